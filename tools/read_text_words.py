"""The words of `read_text`: how people ask for it, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: tuple[str, ...] = (
    "What does the sign say?",
    "Read the text in this picture",
    "What is written on the label?",
    "Extract the text from this scan",
    "OCR this receipt",
    "Copy the text out of the screenshot",
    "What does it say on the box in the photo?",
    "Type up this photographed page",
    "Read the scanned document",
    "Get the text of this scanned PDF",
    "What's the serial number on this photo?",
    "Transcribe the text in the image",
    "招牌上写的是什么？",
    "识别图片中的文字",
    "把这张扫描件里的文字提取出来",
    "¿Qué pone en el cartel?",
    "Lee el texto de la imagen",
    "Extrae el texto de este escaneo",
    "Qu'est-ce qui est écrit sur le panneau ?",
    "Lis le texte de cette image",
    "Extrais le texte de ce scan",
    "Was steht auf dem Schild?",
    "Lies den Text auf dem Bild",
    "Extrahiere den Text aus diesem Scan",
    "O que está escrito na placa?",
    "Leia o texto da imagem",
    "看板に何と書いてありますか？",
    "画像の文字を読み取って",
    "ما المكتوب على اللافتة؟",
    "استخرج النص من الصورة",
    "बोर्ड पर क्या लिखा है?",
    "इस तस्वीर का पाठ पढ़ो",
)

TITLES: Mapping[str, str] = {
    "en": "Text in the picture", "zh": "图中文字", "es": "Texto de la imagen",
    "fr": "Texte de l'image", "de": "Text im Bild", "pt": "Texto da imagem", "ja": "画像の文字",
    "ar": "النص في الصورة", "hi": "तस्वीर का पाठ",
}  # fmt: skip

# What a sign says, in quotes; and that there is nothing to read.
_PHRASES: Mapping[str, tuple[str, str]] = {
    "en": ("It says: “{}”.", "I found no text that I could read."),
    "zh": ("上面写着：“{}”。", "没有找到可以识别的文字。"),
    "es": ("Pone: «{}».", "No encontré ningún texto que pudiera leer."),
    "fr": ("On y lit : « {} ».", "Je n'ai trouvé aucun texte lisible."),
    "de": ("Darauf steht: „{}“.", "Ich habe keinen lesbaren Text gefunden."),
    "pt": ("Está escrito: “{}”.", "Não encontrei nenhum texto legível."),
    "ja": ("「{}」と書かれています。", "読み取れる文字は見つかりませんでした。"),
    "ar": ("المكتوب فيها: «{}».", "لم أجد نصًّا أستطيع قراءته."),
    "hi": ("इस पर लिखा है: “{}”।", "मुझे ऐसा कोई पाठ नहीं मिला जिसे मैं पढ़ सकूँ।"),
}
_SIGN_LINES = 4
_SIGN_CHARS = 160


def spoken(text: str, language: str) -> str:
    """What is written, as someone tells it: a few words in quotes, a whole page as it stands."""
    quote, nothing = _PHRASES.get(language, _PHRASES["en"])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return nothing
    if len(lines) > _SIGN_LINES or len(text) > _SIGN_CHARS:
        return text
    return quote.format(" / ".join(lines))
