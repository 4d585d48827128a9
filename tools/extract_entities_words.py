"""The words of `extract_entities`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.spans import ENTITY_TYPES, EntityType

EXAMPLES: tuple[str, ...] = (
    "List the people and places in this text",
    "Who is mentioned in this article?",
    "Which companies and dates come up in the attached contract?",
    "Pull out all the names, amounts and e-mail addresses",
    "Find the phone numbers in this mail",
    "What organisations are named here?",
    "Which product is this review about?",
    "which product is it about",
    "What product or brand does the customer mention?",
    "Redact the personal data in this message",
    "Anonymise this ticket before I forward it",
    "Black out names and card numbers",
    "Which cities does she talk about?",
    "Extract the entities",
    "Give me every date and every price in the invoice",
    "Is there any personal information in this document?",
    "Remove all PII from the text",
    "列出这段文字中的人名和地名",
    "这封邮件里有哪些公司和日期？",
    "把个人信息打码",
    "Enumera las personas y los lugares de este texto",
    "¿Qué empresas y fechas aparecen en el contrato?",
    "Oculta los datos personales de este mensaje",
    "Liste les personnes et les lieux de ce texte",
    "Quelles entreprises sont citées dans cet article ?",
    "Anonymise ce courriel",
    "Liste die Personen und Orte in diesem Text auf",
    "Welche Firmen und Beträge kommen im Vertrag vor?",
    "Um welches Produkt geht es in der Bewertung?",
    "Schwärze die persönlichen Daten in dieser Nachricht",
    "Liste as pessoas e os lugares deste texto",
    "Que empresas e datas aparecem no contrato?",
    "Remova os dados pessoais desta mensagem",
    "この文章に出てくる人名と地名を挙げて",
    "このメールにはどの会社と日付がありますか？",
    "個人情報を伏せ字にして",
    "اذكر الأشخاص والأماكن في هذا النص",
    "ما الشركات والتواريخ المذكورة في العقد؟",
    "احجب البيانات الشخصية في هذه الرسالة",
    "इस पाठ में आए लोगों और जगहों के नाम बताओ",
    "इस ईमेल में कौन-सी कंपनियाँ और तारीखें हैं?",
    "इस संदेश से निजी जानकारी हटा दो",
)

_ALIASES: Mapping[EntityType, str] = {
    "person": "people persons name names human humans per",
    "organisation": "organisations organization organizations org orgs company companies firm "
    "firms business businesses institution institutions",
    "place": "places location locations loc gpe city cities country countries address addresses "
    "region regions facility",
    "date": "dates time times day days deadline deadlines datetime",
    "amount": "amounts money price prices sum sums percentage percentages percent quantity "
    "quantities number numbers measurement measurements",
    "product": "products item items brand brands",
    "group": "groups nationality nationalities norp",
    "event": "events",
    "email": "emails e-mail e-mails mail email_address email_addresses",
    "phone": "phones phone_number phone_numbers telephone telephones tel mobile",
    "url": "urls link links website websites web_address",
    "iban": "ibans bank_account bank_accounts account_number iban_code",
    "credit_card": "credit_cards card cards card_number card_numbers credit_card_number",
    "ip_address": "ip ips ip_addresses",
    "national_id": "ssn social_security_number national_ids id_number us_ssn",
}
_TYPE_OF: Mapping[str, EntityType] = {
    alias: kind for kind, aliases in _ALIASES.items() for alias in (kind, *aliases.split())
}

# In the order of ENTITY_TYPES; then "found nothing".
_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": ("People", "Organisations", "Places", "Dates", "Amounts", "Products", "Groups",
           "Events", "E-mail addresses", "Phone numbers", "Web addresses", "IBANs",
           "Card numbers", "IP addresses", "National IDs", "I found none."),
    "zh": ("人物", "机构", "地点", "日期", "数额", "产品", "群体", "事件", "电子邮件", "电话号码",
           "网址", "IBAN", "卡号", "IP 地址", "身份证号", "没有找到。"),
    "es": ("Personas", "Organizaciones", "Lugares", "Fechas", "Cantidades", "Productos", "Grupos",
           "Eventos", "Correos electrónicos", "Teléfonos", "Direcciones web", "IBAN",
           "Números de tarjeta", "Direcciones IP", "Documentos de identidad",
           "No he encontrado ninguno."),
    "fr": ("Personnes", "Organisations", "Lieux", "Dates", "Montants", "Produits", "Groupes",
           "Événements", "Adresses e-mail", "Numéros de téléphone", "Adresses web", "IBAN",
           "Numéros de carte", "Adresses IP", "Numéros d’identité", "Je n’ai rien trouvé."),
    "de": ("Personen", "Organisationen", "Orte", "Daten", "Beträge", "Produkte", "Gruppen",
           "Ereignisse", "E-Mail-Adressen", "Telefonnummern", "Webadressen", "IBANs",
           "Kartennummern", "IP-Adressen", "Ausweisnummern", "Ich habe nichts gefunden."),
    "pt": ("Pessoas", "Organizações", "Lugares", "Datas", "Valores", "Produtos", "Grupos",
           "Eventos", "E-mails", "Telefones", "Endereços web", "IBANs", "Números de cartão",
           "Endereços IP", "Documentos de identidade", "Não encontrei nada."),
}  # fmt: skip


def entity_type(name: str) -> str:
    """The type that a word such as "people" or "Cities" stands for; the word where it is none."""
    word = "_".join(name.strip().lower().split())
    return _TYPE_OF.get(word, word)


def listing(entities: Sequence[tuple[EntityType, str]], language: str) -> str:
    """Entities by type as a Markdown list, each text once, in the order of the text."""
    names = _NAMES.get(language, _NAMES["en"])
    comma, colon = ("、", "：") if language in {"zh", "ja"} else (", ", ": ")
    lines = []
    for kind, name in zip(ENTITY_TYPES, names[:-1], strict=True):
        texts = dict.fromkeys(" ".join(text.split()) for of, text in entities if of == kind)
        if texts:
            lines.append(f"- **{name}**{colon}{comma.join(texts)}")
    return "\n".join(lines) or names[-1]
