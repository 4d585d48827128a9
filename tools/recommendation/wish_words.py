"""How people put a wish for an item, in nine languages: the patterns that `wishes` reads by."""

from __future__ import annotations

import re

_I = re.IGNORECASE

BREAK = "\x1f"
"""Stands in a sentence where something has been read already: no phrase reaches across it."""

_ID = r"(?P<id>[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*|[\"“'«„][^\"”'»“]{1,80}[\"”'»“])"
_ID2 = _ID.replace("?P<id>", "?P<id2>")
CUSTOMER = re.compile(
    r"(?<![^\W_])(?:customer|client|user|shopper|buyer|kund(?:e|in|en)|nutzer(?:in)?|"
    r"benutzer(?:in)?|"
    r"clienta?e?|usuari[oa]|utilisat(?:eur|rice)|usuári[oa]|utilizador(?:a)?)"
    r"(?:\s+(?:number|no\.?|nr\.?|nummer|id|n[°ºo]\.?|número|numéro|num\.?))?\s*[#:]?\s*"
    + _ID
    + "|"
    r"(?:顾客|客户|用户|会员|お客様|お客さん|顧客|ユーザー|会員|العميل|الزبون|المستخدم|عميل|زبون|"
    r"ग्राहक|"
    r"उपयोगकर्ता)\s*(?:号|编号|番号|番|رقم|नंबर|संख्या|क्रमांक)?\s*[#:]?\s*"
    + _ID.replace("?P<id>", "?P<id2>").replace("?P<quote>", "?P<quote2>")
    + "|"
    r"(?P<id3>[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*)\s*(?:号|番|番目)の?(?:顾客|客户|用户|会员|お客様|"
    r"お客さん|顧客|"
    r"ユーザー|会員)",
    _I,
)

QUOTED = re.compile(
    r"\"(?P<a>[^\"]{1,200})\"|“(?P<b>[^”]{1,200})”|„(?P<c>[^“”]{1,200})[“”]|"
    r"«\s?(?P<d>[^»]{1,200}?)\s?»"
    r"|「(?P<e>[^」]{1,200})」|『(?P<f>[^』]{1,200})』|《(?P<g>[^》]{1,200})》"
    r"|(?<!\w)['‘](?P<h>[^'‘’]{2,200}(?:['’]\w[^'‘’]*)*)['’](?!\w)"
)

CHEAPER = re.compile(
    r"(?<![^\W_])(?:cheaper|less (?:expensive|costly|pricey)|lower[- ]priced|more affordable|"
    r"for less(?: money)?|not (?:as|so|quite as) (?:expensive|pricey|dear|costly)|"
    r"(?:with|at|for) an? (?:lower|smaller) price|zum (?:kleineren|geringeren|niedrigeren) preis|"
    r"à (?:un )?(?:moindre|plus petit) prix|a (?:un )?(?:menor precio|precio más bajo)|"
    r"por (?:um )?(?:menor preço|preço (?:menor|mais baixo))|"
    r"nicht (?:ganz )?so teuer|pas (?:aussi|si) ch(?:er|ère)s?|no tan car[oa]s?|não tão car[oa]s?|"
    r"billiger\w*|günstiger\w*|preiswerter\w*|preisgünstiger\w*|"
    r"weniger teuer|moins ch(?:er|ère)s?|meilleur marché|plus abordables?|"
    r"más barat[oa]s?|menos car[oa]s?|más económic[oa]s?|más asequibles?|"
    r"mais barat[oa]s?|mais em conta|mais económic[oa]s?|mais econômic[oa]s?)(?![^\W_])"
    r"|[没不](?:那么|这么)贵|更便宜|便宜一?[点些]|再便宜|价格更低|もっと安[いく]|より安[いく]|安いもの|少し安[いく]|"
    r"أرخص|أقل (?:سعرا|سعرًا|ثمنا|ثمنًا|تكلفة)|(?:और |ज़्यादा |थोड़ा )?सस्त[ाीे]",
    _I,
)

HALF = re.compile(
    r"(?<![^\W_])(?:(?:at|for) )?(?:half (?:the|of the|that) price|half price|"
    r"half as (?:expensive|much)|"
    r"(?:zum|die) halben? preis|halb so (?:teuer|viel)|(?:à )?(?:la )?moitié (?:du )?prix|"
    r"(?:a |por )?la mitad (?:de(?:l)? )?precio|(?:pela |por )?metade do preço)"
    r"(?: (?:or|oder|ou|o) (?:less|weniger|moins|menos))?(?![^\W_])"
    r"|半价(?:以[下内])?|半額(?:以下)?|نصف (?:السعر|الثمن)|आधी कीमत(?: में)?",
    _I,
)
"""It may cost half of what that costs which it is like."""
NOT_DEARER = re.compile(
    r"(?<![^\W_])(?:(?:and |but |und |aber |et |mais |y |pero |e |mas )?"
    r"(?:(?:not|no|never|isn['’]t|aren['’]t) (?:any )?(?:more (?:expensive|costly)|dearer|pricier)|"
    r"for no more(?: money)?|nicht teurer\w*|"
    r"(?:sans que ce soit|pas|ne soi(?:t|ent) pas|n['’]est pas) plus ch(?:er|ère)s?|"
    r"(?:no|ni|sin ser|sin que sean?|no sean?) más car[oa]s?|"
    r"(?:não|sem ser|não sejam?) mais car[oa]s?)(?P<than> (?:than|als|que|do que))?)(?![^\W_])"
    r"|(?:不要?|别)(?:比(?:它|这个|那个))?更?贵|لا يكون أغلى|ليس أغلى|ज़्यादा महंगा न",
    _I,
)
"""It may cost as much as what it is like, and no more."""

# Where an item that is meant is named. After it the name goes on up to HARD_STOP at most.
_LIKE_LEADS = (
    r"(?<!would )(?<!'d )(?<!’d )(?<!might )(?<!don't )like(?! to\b| that\b(?! one))(?! it is)|"
    r"liked|loved|enjoyed|similar to|comparable to|resembling|reminiscent of|"
    r"alternatives? (?:to|for)|instead of|in place of|cheaper than|less expensive than|"
    r"(?:i|we|who|have|already) (?:bought|own|purchased)|goes? (?:well )?with|"
    r"(?:so (?:et)?was|etwas|ähnlich(?:es)?|genau|so) wie|wie(?= (?:der|die|das|den|dem|diese\w*|"
    r"ein\w*)\b)|"
    r"alternativen? (?:zu[mr]?|für)|(?:billiger|günstiger|preiswerter)\w* als|statt|"
    r"(?:quelque chose|un truc|un article|un produit|une? autre|comme) comme|comme(?! cadeau|"
    r" idée)|"
    r"semblables? (?:à|au)|similaires? (?:à|au)|dans le (?:genre|style) (?:de|du)|"
    r"alternatives? (?:à|au)|"
    r"(?:not|no) (?:more expensive|dearer|pricier) than|nicht teurer als|pas plus ch(?:er|"
    r"ère)s? que|"
    r"no más car[oa]s? que|não mais car[oa]s? (?:do )?que|"
    r"moins ch(?:er|ère)s? que|à la place d[eu]|"
    r"(?:algo|uno|una|otr[oa]|artículos?|productos?) como|parecid[oa]s? (?:a|al|com)|"
    r"similares? (?:a|al|ao|à)|"
    r"al estilo de|alternativas? (?:a|al|ao|à)|(?:más|mais) barat[oa]s? (?:do )?que|en lugar de|"
    r"(?:alguma coisa|um|uma|outr[oa]|produtos?) como|semelhantes? (?:a|ao|à)|em vez d[eoa]|"
    r"compr(?:é|ei)|j['’]ai (?:acheté|aimé)|me gust(?:ó|aron)|gostei d[eoa]|gefallen hat(?: mir)?"
)
LIKE = re.compile(
    rf"(?<![^\W_])(?:{_LIKE_LEADS})\s+"
    r"|(?:مثل|يشبه|شبيه(?:ة)? (?:بـ?|ل)|مشابه(?:ة)? (?:لـ?|ل)|أرخص من|بدل(?:ا|ًا)? من)\s*",
    _I,
)
HARD_STOP = re.compile(
    rf"[,;:!?،؟{BREAK}]|\.(?:\s|$)|$|(?<![^\W_])(?:but|aber|mais|pero|mas|sondern|لكن|"
    rf"ولكن)(?![^\W_])",
    _I,
)
SOFT_STOP = re.compile(
    r"(?<![^\W_])(?:for|with|without|and|or|which|that|only|just|except|please|in|next|from|to|"
    r"für|mit|ohne|und|oder|nur|bitte|pour|avec|sans|et|ou|para|con|sin|com|sem|por favor|y|o|e|"
    r"nicht|not|no|cheaper|who|customers?|at|zum|à|por|إلى|بدون|بسعر|و)(?![^\W_])",
    _I,
)
# In these languages what is meant stands before the word for "like".
LIKE_AFTER = re.compile(
    r"比(?P<zh2>[^,，。?!\x1f]{1,40}?)(?:还|更|要)?便宜(?:一?[点些])?的?"
    r"|(?:像|和|跟|与|类似于?|類似)(?P<zh>[^,，。?!\x1f]{1,40}?)(?:那样|这样|一样|差不多|相似|"
    r"类似|的|但|,|\x1f|$)"
    r"|(?P<ja>[^,、。?!\x1fはがを]{1,40}?)(?:のような|みたいな|に似た|と似た|のように|より安い)"
    r"|(?P<hi>[^,।?!\x1f]{1,60}?)\s+(?:जैस[ाीे]|के समान|से मिलत[ाीे][- ]जुलत[ाीे]|की तरह|"
    r"से सस्त[ाीे])"
)
LEADING = re.compile(
    r"^(?:(?:the|an?|my|our|your|one of|some|any|der|die|das|den|dem|ein\w*|mein\w*|la|le|les|"
    r"l['’]|une?|mon|ma|"
    r"mes|el|los|las|unos?|unas?|mi|mis|os?|as?|uma?|meu|minha|kurz|मुझे|मेरे|कुछ|कोई|给我|推荐|"
    r"找|我想要|我要)\s*(?<![a-zà-ɏ])\s*"
    r"|(?:the|an?|my|our|your|some|any|der|die|das|den|dem|eine?[mnrs]?|meine?[mnrs]?|la|le|les|"
    r"une?|mon|ma|"
    r"mes|el|los|las|unos?|unas?|mi|mis|os?|as?|uma?|meu|minha)\s+)+",
    _I,
)

_ONE = (
    r"(?:\s+(?:one|ones|item|items|gift|product|ein\w*|artikel|produkt|article|produit|artículo|"
    r"producto|artigo|produto|"
    r"here|hier|aquí|aqui|ici|photo|picture|foto|bild|image|imagen|imagem))*"
)
POINTING = re.compile(
    r"(?:(?:exactly |just )?(?:this|that|these|those|it|them|das(?: da| hier)?|dies\w*|jene\w*|"
    r"den|die|der|celui-ci|celle-ci|celui-là|"
    r"celle-là|ceux-ci|celles-ci|cela|ceci|ça|cet(?:te)?|ce|ces|est[aeo]s?|es[aeo]s?|aquel\w*|"
    r"ist[oa]|iss[oa]|"
    r"ess[ae]s?|aquel[ae]s?|aquilo)"
    rf"{_ONE}|这[个款些件种]?|那[个款些件]?|它们?|これ(?:ら)?|それ(?:ら)?|この(?:商品|写真)?|"
    rf"その(?:商品)?|あれ|هذ[اه](?: المنتج)?|ذلك|تلك|هؤلاء|"
    r"यह|इस(?:के)?|ये|इन(?:के)?|वह|उस(?:के)?)",
    _I,
)
POINTED_ALONE = re.compile(
    r"(?<![^\W_])(?:this (?:one|picture|photo|image|item)|like this|diese[sr]? (?:bild|foto|"
    r"artikel)|cette (?:photo|image)|"
    r"esta (?:foto|imagen)|esta (?:foto|imagem)|more of th(?:is|ese|ose)|"
    r"(?:it|this|that|es|das|ça|cela|esto|eso|isto|isso)(?= (?:any |etwas |un peu |algo |"
    r"um pouco )?"
    r"(?:cheaper|for less|billiger|günstiger|moins cher|más barat|mais barat)))(?![^\W_])|"
    r"[这那](?:[个款件]|张(?:照片|图片))|"
    r"この写真|هذه الصورة|इस (?:तस्वीर|फोटो)",
    _I,
)
"""Words that point at something, where none of likeness go before."""
POINTING_AT_SEVERAL = re.compile(
    r"(?:these|those|them|diesen?|jenen?|ceux-ci|celles-ci|ces|est[ao]s|es[ao]s|ess[ae]s|"
    r"aquel[ae]s|"
    r"这些|那些|它们|これら|それら|هؤلاء|ये|इन(?:के)?)",
    _I,
)
_PLACES = (
    r"1st|first|erste[nrs]?|premi(?:er|ère)|primer[oa]?|primeir[oa]|第一|1番目?|一番目|最初|"
    r"الأول|الأولى|पहल[ाीे]",
    r"2nd|second|zweite[nrs]?|deuxième|seconde?|segund[oa]|第二|2番目?|二番目|الثاني|الثانية|"
    r"दूसर[ाीे]",
    r"3rd|third|dritte[nrs]?|troisième|tercer[oa]?|terceir[oa]|第三|3番目?|三番目|الثالث|"
    r"الثالثة|तीसर[ाीे]",
    r"4th|fourth|vierte[nrs]?|quatrième|cuart[oa]|quart[oa]|第四|4番目?|四番目|الرابع|الرابعة|"
    r"चौथ[ाीे]",
    r"5th|fifth|fünfte[nrs]?|cinquième|quint[oa]|第五|5番目?|五番目|الخامس|الخامسة|पाँचव[ाीे]",
)
PLACES = tuple(
    re.compile(
        rf"(?:the |der |die |das |dem |den |le |la |el |o |a )?(?:{place}){_ONE}[个款件のもの]*|"
        rf"(?:number|no\.?|nummer|numéro|número|#)\s?{number}",
        _I,
    )
    for number, place in enumerate(_PLACES, start=1)
)

# What follows is not wanted: whatever it is, …
NOT_THIS = re.compile(
    r"(?<![^\W_])(?:(?:but |and )?(?:under no circumstances|neither|no|without(?: any)?|"
    r"nothing (?:for|with|from|made (?:of|from)|"
    r"containing|like|about|in|to do with)|"
    r"except(?: for)?|excluding|other than|besides|apart from|anything but|avoid(?:ing)?|"
    r"leave out|skip(?: the)?|nothing|"
    r"(?:hates?|dislikes?|can['’]?t stand|allergic to)|(?:i |we |he |she |they )?(?:don['’]t|"
    r"do not|doesn['’]t|does not|must not|mustn['’]t|should not|shouldn['’]t) (?:want|like|need|"
    r"eat|drink|"
    r"include|contain|show(?: me)?|suggest|recommend)(?: any)?|excludes?)|"
    r"auf keinen fall|keinesfalls|weder|kein(?:e|en|er|em|es)?|ohne|nichts(?: (?:mit|aus|von|"
    r"über))?|außer|ausgenommen|bloß kein\w*|"
    r"(?:hasst|mag kein\w*)|"
    r"en aucun cas|ni|(?:surtout )?pas d(?:e|es|u)|sans|rien (?:avec|en|de)|sauf|hormis|excepté|"
    r"hors(?! de)|aucune?|à part|"
    r"déteste(?: les?| la)?|"
    r"en ningún caso|de ninguna manera|sin|nada (?:de|con)|excepto|salvo|ningun[oa]?|ningún|"
    r"que no (?:tengan? (?:nada )?que ver con|sean?|tengan?|lleven?)|"
    r"no quier[oe]n?|odia|"
    r"de modo nenhum|nem|sem|nada (?:de|com)|exceto|menos(?= (?:os|as|o|a|l)\b)|nenhuma?|"
    r"não quer(?:o|emos)|"
    r"que não (?:tenham? (?:nada )?(?:a|que) ver com|sejam?|tenham?))"
    r"(?:\s+|(?=['’]))"
    r"|pas d['’]|rien d['’]"
    r"|(?:不想?要|不含|不带|(?<!有)没有|除了|除去|排除|别(?:给我)?(?:推荐|要)?|不买|讨厌|不喜欢|无)"
    r"|(?:بدون|بلا|من دون|ما عدا|باستثناء|لا أريد|لا نريد|غير|عدا|وليس)\s+(?:أي\s+)?"
    r"|बिना\s+",
    _I,
)
FREE_OF = re.compile(
    r"(?<![^\W_])(?:non[- ](?P<non>[^\W\d_]{3,})|(?!hands)(?P<free>[^\W\d_]{3,})-free|"
    r"(?P<frei>[^\W\d_]{4,}?)s?frei(?:e[nmrs]?)?)(?![^\W_])",
    _I,
)
"""One word says what is not in it: "leather-free", "non-leather", "lederfrei"."""
# … or where it names a category; else the word is too common: "not too heavy".
NOT_KNOWN = re.compile(
    r"(?<![^\W_])(?:(?:not|(?:is|are)n['’]t)(?: a| an| the| any)?|never|nicht|pas(?: un| une|"
    r" les?| la)?|no(?: un|"
    r" una| los| las)?|"
    r"não|nem)\s+|不是|ليس(?:ت)?\s+",
    _I,
)
# In these languages what is not wanted stands before the word that says so.
NOT_BEFORE = re.compile(
    r"(?P<ja>[^\s,、。?!\x1f]{1,20}?)(?:以外|抜き|なし|無し|を除[いくき]|は(?:除|いらない|"
    r"要らない|不要|なし|嫌|避け|やめ)|"
    r"が嫌い|(?:では|じゃ)な[いく])"
    r"|(?P<zh>[^\s,、。?!\x1f]{1,8}?)(?:除外|之外|以外|不要(?=$|[,，。;；的了\s\x1f])|就算了)"
    r"|(?P<hi>[^\s,।?!\x1f]+(?: (?:या|और) [^\s,।?!\x1f]+)*)\s+(?:नहीं|के बिना|को छोड़कर|के अलावा|"
    r"के सिवा|मत)"
)
NOT_OBJECT_STOP = re.compile(
    rf"[,;:!?.،؟।、。{BREAK}]|$|(?<![^\W_])(?:for|but|please|that|which|who|because|under|in|at|"
    rf"on|if|"
    r"this|these|to|as|costing|und (?:nicht|bitte|zwar)|für|aber|bitte|der|die(?= \w+ \w+t\b)|"
    r"unter|im|pour|mais|s['’]il|"
    r"moins|qui|para|pero|mas|por|que|em|abaixo|menos|he|she|they|it|we|ich|er|sie|il|elle|"
    r"لل\w+|لـ\w*|بسعر|أقل|के|से|में)(?![^\W_])|的(?!$)|但|，|之外|以外|外",
    _I,
)
OR = re.compile(
    r"\s*(?:[,、]\s*)?(?<![^\W_\u3040-\u9fff])(?:or|nor|and|oder|und|noch|ou|ni|et|o|u|y|e|"
    r"nem)(?![^\W_])\s*(?:(?:no|keine?n?|de|les?|los|las|os|as|sin|sans|sem)\s+|d['’])?"
    r"|\s*(?:也(?:不(?:想?要)?|别)|或者?|和|及|跟|与|や|と|か)\s*|\s+(?:أو|ولا|या|और)\s+|\s+و(?=\S)",
    _I,
)
COMMA = re.compile(r"\s*[,、،]\s*")
NOT_OBJECTS = frozenset(
    """
    idea ideas problem problems preference preferences clue more less matter longer rush need needs
    doubt one thing limit budget worries further other others particular reason exceptions
    sure too very so really yet only just idee ahnung problem präferenz eile besonderen mehr
    soucis souci problème idée préférence plus problema problemas prisa idea más preferencia
    pressa mais ideia ideias preferência preferências something etwas algo alguma
    """.split()  # noqa: SIM905
)
NOT_OBJECT_FILLER = re.compile(
    r"^(?:(?:any|more|a|an|the|of|kind|sort|type|my|from|with|made|another|more|other|like|about|"
    r"irgendwelche|mehr|die|der|das|den|mit|von|de|d['’]|des|du|les?|la|l['’]|los|las|el|un|una|"
    r"une|"
    r"os|as|o|a|com|con|más|mais|plus|أي|كلمة|任何|再|更多|的)\s+|l['’]|d['’])+",
    _I,
)

_GENERIC = (
    r"gifts?|presents?|ideas?|items?|things?|options?|suggestions?|recommendations?|products?|"
    r"articles?|"
    r"picks?|choices?|alternatives?|ones|pieces?|"
    r"geschenk\w*|ideen?|artikel\w*|dinge?|sachen|vorschläge?n?|empfehlungen?|produkte?|optionen|"
    r"cadeaux?|idées?|choses?|produits?|propositions?|suggestions?|options?|"
    r"regalos?|ideas?|cosas?|artículos?|productos?|sugerencias?|opciones|recomendaciones|"
    r"presentes?|prendas?|ideias?|coisas?|artigos?|produtos?|sugestões|opções|recomendações|itens"
)
COUNTED = re.compile(
    rf"\s*(?:(?!(?:people|persons?|kids?|children|years?|days?|"
    rf"and)\b)[^\W\d_]+[\s-]+){{0,2}}(?:{_GENERIC})(?![^\W_])"
    r"|\s*of (?:them|these|those)(?![^\W_])|\s*davon(?![^\W_])"
    r"|\s*(?:هدايا|أفكار|اقتراحات|منتجات|أشياء|خيارات|توصيات)|\s*(?:उपहार|तोहफ़े|तोहफे|सुझाव|"
    r"चीज़ें|चीजें|विकल्प|उत्पाद)",
    _I,
)
"""What follows a number that says how many items are wanted."""
COUNTED_CJK = re.compile(
    r"\s*[个個件款份样種种本双雙条台只点つ冊足枚](?![岁歳月])(?:[^,，。\s]{0,8}?(?:礼物|礼品|"
    r"东西|商品|产品|推荐|建议|选择|想法|"
    r"プレゼント|商品|おすすめ|もの|アイデア|ギフト))?"
)
OWN = re.compile(
    r"(?<![^\W_])(?:my|our|his|her|their|mein\w*|unser\w*|mes|nos|mis|meus|minhas)\s+$", _I
)
"""Before a number of those that somebody has: "my two dogs"."""
ASKS_FOR = re.compile(
    r"(?<![^\W_])(?:show(?: me| us)?|give(?: me| us)?|recommend(?: me| us)?|suggest(?: me)?|"
    r"find(?: me)?|list|"
    r"top|the|best|want|need|up to|get me|pick(?: me)?|with|zeig\w*(?: mir)?|gib mir|"
    r"empf[ie]\w*(?: mir)?|nenne?(?: mir)?|"
    r"such\w*(?: mir)?|brauche|möchte|montre[rz]?(?:-moi)?|donne[rz]?(?:-moi)?|"
    r"recommande[rz]?(?:-moi)?|propose[rz]?(?:-moi)?|"
    r"trouve[rz]?(?:-moi)?|conseille[rz]?(?:-moi)?|il me faut|muéstra\w*|recomi[eé]nda\w*|"
    r"recomendar\w*|dame|sugiere\w*|"
    r"búsca\w*|busca|quiero|necesito|los|las|mostre|mostra\w*|recomend\w*|sugir\w*|dê-me|quero|"
    r"preciso de|os|as|"
    r"رشح(?: لي)?|اقترح(?: لي| علي)?|أعطني|أريد|मुझे)\s+$",
    _I,
)
ASKS_FOR_CJK = re.compile(r"(?:推荐|给我|来|想要|要|找|看看|介绍|を|おすすめ|で)\s*(?:我|出)?$")

PURPOSE_BEFORE = re.compile(
    r"(?<![^\W_])(?:for|about|at|have|own|with|like|likes|loves?|enjoys?|into|on|of|who|as|from|"
    r"lover|fan of|against|"
    r"für|über|zum|zur|beim?|mit|liebt|mag|als|aus|von|pour|sur|avec|aime|en|à|para|"
    r"sobre|con|por|com|"
    r"gosta de|le gustan?|de|da|do|em|के लिए)\s+(?:[^\W\d]+['’]?\s+){0,2}$"
    r"|(?:给|送给?|送|为|适合|喜欢|爱好?|关于|用于|لل?|عن|في|يحب|تحب|لمحبي|لعشاق|"
    r"لعاشق)\s*[^\s,]{0,6}?$",
    _I,
)
"""What goes before a word that tells what an item is for, and not what it is."""
OF_IN_FRENCH = re.compile(r"(?<![^\W_])(?:du|des|d['’])\s*(?:[^\W\d]+['’]?\s+){0,2}$", _I)
"""The same after a word that tells something: "fan des livres", not "je cherche des livres"."""
PURPOSE_AFTER = re.compile(
    r"\s*(?:に使|向け|用の?|のため|が好き|好き|を始め|する人|に合う|爱好者|迷|用的|के लिए|पसंद|"
    r"प्रेमी|लवर|"
    r"(?:lovers?|fans?|enthusiasts?|accessor\w+|liebhaber\w*|fans?)(?![^\W_]))",
    _I,
)
LOOKING_FOR = re.compile(
    r"[أان]بحث عن|(?:what|how) about|(?:pairs?|sets?|packs?|kinds?|sorts?) of|paar(?! schuhe)|"
    r"paires? de|pares? de|"
    r"(?:looking|searching|shopping|asking|browsing|hunting) for|search for|look for|"
    r"in the market for|"
    r"(?:recommendations?|suggestions?|ideas?|options?) for(?= (?:an?|some|new|good|the best|"
    r"nice)\b)|suche nach|auf der suche nach|à la recherche d[e'’]u?|"
    r"en busca de|à procura de|procurando por|buscando|what do you have in|do you have|"
    r"have you got|"
    r"I(?:['’]d| would) like(?! to (?:know|see what))|would like|suggest me|interested in",
    _I,
)
"""Words that lead in what is wanted, though a "for" or "like" is in them."""
