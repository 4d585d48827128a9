"""The words of `transcribe_audio`: how people ask for it, and what its result is called."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: tuple[str, ...] = (
    "Transcribe this call",
    "transcribe the recording",
    "Write down what is said in this voice message",
    "What do they say in this recording?",
    "What does she say on the phone?",
    "What's being said in this video?",
    "turn this audio into text",
    "can you type up this interview?",
    "I need a transcript of the meeting",
    "Listen to this and tell me what they want",
    "Make subtitles for this clip",
    "subtitle this video, as srt",
    "captions for the attached video please",
    "speech to text",
    "the line is bad, can you still make out what he says?",
    "get me the words of this podcast",
    "what language are they speaking in this recording?",
    "转写这段录音",
    "这段语音说了什么？",
    "把会议录音整理成文字",
    "给这个视频加字幕",
    "Transcribe esta llamada",
    "¿Qué dicen en esta grabación?",
    "Pasa este audio a texto",
    "Hazme los subtítulos de este vídeo",
    "Transcris cet appel",
    "Qu'est-ce qu'on dit dans cet enregistrement ?",
    "Mets ce message vocal par écrit",
    "Fais les sous-titres de cette vidéo",
    "Schreib auf, was in dieser Aufnahme gesagt wird",
    "Transkribiere das Telefonat",
    "Was sagt er in der Sprachnachricht?",
    "Mach Untertitel für dieses Video",
    "Transcreva esta ligação",
    "O que dizem nesta gravação?",
    "Passe este áudio para texto",
    "Faça as legendas deste vídeo",
    "この録音を文字起こしして",
    "この通話で何と言っていますか？",
    "この動画に字幕を付けて",
    "فرّغ هذه المكالمة كتابةً",
    "ماذا يقولون في هذا التسجيل؟",
    "حوّل هذه الرسالة الصوتية إلى نص",
    "इस कॉल को लिख दो",
    "इस रिकॉर्डिंग में क्या कहा गया है?",
    "इस ऑडियो को टेक्स्ट में बदलो",
)

TITLES: Mapping[str, str] = {
    "en": "Transcript",
    "zh": "文字稿",
    "es": "Transcripción",
    "fr": "Transcription",
    "de": "Abschrift",
    "pt": "Transcrição",
    "ja": "文字起こし",
    "ar": "النص المفرّغ",
    "hi": "लिखित रूप",
}

SUBTITLES_ATTACHED: Mapping[str, str] = {
    "en": "The subtitles are in {}.",
    "zh": "字幕在{}中。",
    "es": "Los subtítulos están en {}.",
    "fr": "Les sous-titres sont dans {}.",
    "de": "Die Untertitel stehen in {}.",
    "pt": "As legendas estão em {}.",
    "ja": "字幕は{}にあります。",
    "ar": "الترجمة النصية في {}.",
    "hi": "उपशीर्षक {} में हैं।",
}
"""The name of the file goes into the braces."""
