"""The words of `synthesize_speech`: how people ask for it, and what its result is called."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: tuple[str, ...] = (
    "read this aloud",
    "Read it to me",
    "read me the translation",
    "Say this out loud",
    "read the summary aloud please",
    "Can you speak that?",
    "I want to listen to this text",
    "turn this into speech",
    "make an mp3 of this article",
    "text to speech",
    "give me an audio version of this letter",
    "Let me hear how that sounds",
    "narrate this paragraph",
    "read this slowly in a male voice",
    "I'm driving, read me the answer",
    "how is this pronounced?",
    "record this as a voice message",
    "把这段话读出来",
    "念给我听",
    "把译文朗读一遍",
    "生成这段文字的语音",
    "Léeme esto en voz alta",
    "Lee la traducción",
    "Quiero escuchar este texto",
    "Conviértelo en audio",
    "Lis-moi ça à voix haute",
    "Lis la traduction",
    "Je voudrais écouter ce texte",
    "Fais-en un fichier audio",
    "Lies mir das vor",
    "Lies die Übersetzung laut vor",
    "Ich möchte mir den Text anhören",
    "Mach daraus eine Sprachdatei",
    "Leia isto em voz alta",
    "Leia a tradução para mim",
    "Quero ouvir este texto",
    "Transforme isto em áudio",
    "これを読み上げて",
    "翻訳を音声で聞かせて",
    "この文章を音声にして",
    "اقرأ هذا بصوت عالٍ",
    "اقرأ لي الترجمة",
    "حوّل هذا النص إلى صوت",
    "इसे ज़ोर से पढ़ो",
    "मुझे अनुवाद पढ़कर सुनाओ",
    "इस टेक्स्ट का ऑडियो बनाओ",
)

TITLES: Mapping[str, str] = {
    "en": "Read aloud",
    "zh": "朗读",
    "es": "En voz alta",
    "fr": "À voix haute",
    "de": "Vorgelesen",
    "pt": "Em voz alta",
    "ja": "読み上げ",
    "ar": "قراءة بصوت",
    "hi": "पढ़कर सुनाया गया",
}

ANNOUNCED: Mapping[str, str] = {
    "en": "Here it is to listen to: {} ({} s).",
    "zh": "语音在这里：{}（{}秒）。",
    "es": "Aquí está para escuchar: {} ({} s).",
    "fr": "Le voici à écouter : {} ({} s).",
    "de": "Hier zum Anhören: {} ({} s).",
    "pt": "Aqui está para ouvir: {} ({} s).",
    "ja": "音声はこちらです：{}（{}秒）。",
    "ar": "ها هو للاستماع: {} ({} ث).",
    "hi": "सुनने के लिए यहाँ है: {} ({} से॰)।",
}
"""The file's name and its length in seconds go into the braces."""
