"""What is said where a request can't be planned: one short question, or that it can't be done."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.draft import Lack
from orchestrator.router import CHAT
from orchestrator.turn import ToolScore
from tools.registry import Registry

_ASK_BACK: dict[Lack, dict[str, str]] = {
    "text": {
        "en": "Which text do you mean? Paste it after a colon, or attach it as a file.",
        "zh": "您指的是哪段文字？请把它粘贴在冒号后面，或者作为文件附上。",
        "es": "¿A qué texto se refiere? Péguelo después de dos puntos o adjúntelo como archivo.",
        "fr": "De quel texte s'agit-il ? Collez-le après deux-points ou joignez-le en fichier.",
        "de": "Welcher Text ist gemeint? Fügen Sie ihn nach einem Doppelpunkt ein oder hängen Sie "
        "ihn als Datei an.",
        "pt": "A que texto se refere? Cole-o depois de dois-pontos ou anexe-o como ficheiro.",
        "ja": "どの文章のことですか。コロンの後に貼り付けるか、ファイルとして添付してください。",
        "ar": "أي نص تقصد؟ الصقه بعد نقطتين، أو أرفقه كملف.",
        "hi": "आप किस पाठ की बात कर रहे हैं? उसे कोलन के बाद चिपकाएँ या फ़ाइल के रूप में जोड़ें।",
        "it": "Quale testo intende? Lo incolli dopo i due punti o lo alleghi come file.",
        "ru": "Какой текст вы имеете в виду? Вставьте его после двоеточия или приложите файлом.",
        "ko": "어떤 글을 말씀하시나요? 쌍점 뒤에 붙여 넣거나 파일로 첨부해 주세요.",
    },
    "target_language": {
        "en": "Into which language should I translate it?",
        "zh": "要翻译成哪种语言？",
        "es": "¿A qué idioma lo traduzco?",
        "fr": "Dans quelle langue dois-je le traduire ?",
        "de": "In welche Sprache soll ich es übersetzen?",
        "pt": "Para que língua devo traduzir?",
        "ja": "どの言語に訳しますか。",
        "ar": "إلى أي لغة أترجمه؟",
        "hi": "किस भाषा में अनुवाद करूँ?",
        "it": "In quale lingua devo tradurlo?",
        "ru": "На какой язык перевести?",
        "ko": "어느 언어로 옮길까요?",
    },
    "image": {
        "en": "Which picture do you mean? Please attach it.",
        "zh": "您指的是哪张图片？请把它附上。",
        "es": "¿A qué imagen se refiere? Adjúntela, por favor.",
        "fr": "De quelle image s'agit-il ? Joignez-la, s'il vous plaît.",
        "de": "Welches Bild ist gemeint? Bitte hängen Sie es an.",
        "pt": "A que imagem se refere? Anexe-a, por favor.",
        "ja": "どの画像のことですか。添付してください。",
        "ar": "أي صورة تقصد؟ أرفقها من فضلك.",
        "hi": "आप किस तस्वीर की बात कर रहे हैं? कृपया उसे जोड़ें।",
        "it": "Quale immagine intende? La alleghi, per favore.",
        "ru": "Какое изображение вы имеете в виду? Приложите его, пожалуйста.",
        "ko": "어떤 사진을 말씀하시나요? 첨부해 주세요.",
    },
    "audio": {
        "en": "Which recording do you mean? Please attach it.",
        "zh": "您指的是哪段录音？请把它附上。",
        "es": "¿A qué grabación se refiere? Adjúntela, por favor.",
        "fr": "De quel enregistrement s'agit-il ? Joignez-le, s'il vous plaît.",
        "de": "Welche Aufnahme ist gemeint? Bitte hängen Sie sie an.",
        "pt": "A que gravação se refere? Anexe-a, por favor.",
        "ja": "どの録音のことですか。添付してください。",
        "ar": "أي تسجيل تقصد؟ أرفقه من فضلك.",
        "hi": "आप किस रिकॉर्डिंग की बात कर रहे हैं? कृपया उसे जोड़ें।",
        "it": "Quale registrazione intende? La alleghi, per favore.",
        "ru": "Какую запись вы имеете в виду? Приложите её, пожалуйста.",
        "ko": "어떤 녹음을 말씀하시나요? 첨부해 주세요.",
    },
    "video": {
        "en": "Which video do you mean? Please attach it.",
        "zh": "您指的是哪段视频？请把它附上。",
        "es": "¿A qué vídeo se refiere? Adjúntelo, por favor.",
        "fr": "De quelle vidéo s'agit-il ? Joignez-la, s'il vous plaît.",
        "de": "Welches Video ist gemeint? Bitte hängen Sie es an.",
        "pt": "A que vídeo se refere? Anexe-o, por favor.",
        "ja": "どの動画のことですか。添付してください。",
        "ar": "أي فيديو تقصد؟ أرفقه من فضلك.",
        "hi": "आप किस वीडियो की बात कर रहे हैं? कृपया उसे जोड़ें।",
        "it": "Quale video intende? Lo alleghi, per favore.",
        "ru": "Какое видео вы имеете в виду? Приложите его, пожалуйста.",
        "ko": "어떤 동영상을 말씀하시나요? 첨부해 주세요.",
    },
    "wish": {
        "en": "I am not sure what you would like: {first}, or {second}? Please say it in other "
        "words.",
        "zh": "我不确定您想要什么：{first}，还是{second}？请换个说法。",
        "es": "No estoy seguro de lo que desea: ¿{first} o {second}? Dígalo con otras palabras.",
        "fr": "Je ne suis pas sûr de ce que vous souhaitez : {first}, ou {second} ? Dites-le "
        "autrement.",
        "de": "Ich bin nicht sicher, was gewünscht ist: {first} oder {second}? Bitte sagen Sie es "
        "anders.",
        "pt": "Não tenho a certeza do que deseja: {first} ou {second}? Diga-o por outras palavras.",
        "ja": "ご希望は{first}でしょうか、それとも{second}でしょうか。別の言い方でお願いします。",
        "ar": "لست متأكدًا مما تريد: {first} أم {second}؟ قلها بكلمات أخرى من فضلك.",
        "hi": "मुझे ठीक से समझ नहीं आया कि आप क्या चाहते हैं: {first} या {second}? कृपया दूसरे शब्दों में कहें।",
        "it": "Non sono sicuro di che cosa desidera: {first} o {second}? Lo dica con altre parole.",
        "ru": "Я не уверен, что вам нужно: {first} или {second}? Скажите, пожалуйста, иначе.",
        "ko": "무엇을 원하시는지 확실하지 않습니다: {first}인가요, {second}인가요? 다르게 "
        "말씀해 주세요.",
    },
}

_CANNOT = {
    "en": "I can't do that. I work with texts, pictures, recordings and videos, answer questions "
    "about the company and about your files, and recommend its goods.",
    "zh": "这件事我做不了。我能处理文字、图片、录音和视频，回答有关公司和您的文件的问题，"
    "并推荐商品。",
    "es": "Eso no puedo hacerlo. Trabajo con textos, imágenes, grabaciones y vídeos, respondo a "
    "preguntas sobre la empresa y sobre sus archivos, y recomiendo sus productos.",
    "fr": "Cela, je ne peux pas le faire. Je travaille avec des textes, des images, des "
    "enregistrements et des vidéos, je réponds aux questions sur l'entreprise et sur vos fichiers, "
    "et je recommande ses articles.",
    "de": "Das kann ich nicht. Ich arbeite mit Texten, Bildern, Aufnahmen und Videos, beantworte "
    "Fragen zum Unternehmen und zu Ihren Dateien und empfehle Artikel.",
    "pt": "Isso não consigo fazer. Trabalho com textos, imagens, gravações e vídeos, respondo a "
    "perguntas sobre a empresa e sobre os seus ficheiros, e recomendo artigos.",
    "ja": "それは私にはできません。文章、画像、録音、動画を扱い、会社やお手元のファイルについての"
    "質問に答え、商品をおすすめできます。",
    "ar": "لا أستطيع فعل ذلك. أعمل على النصوص والصور والتسجيلات والفيديو، وأجيب عن الأسئلة عن "
    "الشركة وعن ملفاتك، وأقترح منتجاتها.",
    "hi": "यह मैं नहीं कर सकता। मैं पाठ, तस्वीरों, रिकॉर्डिंग और वीडियो पर काम करता हूँ, कंपनी और "
    "आपकी फ़ाइलों के बारे में सवालों के जवाब देता हूँ, और सामान सुझाता हूँ।",
    "it": "Questo non posso farlo. Lavoro con testi, immagini, registrazioni e video, rispondo a "
    "domande sull'azienda e sui suoi file, e consiglio articoli.",
    "ru": "Этого я не умею. Я работаю с текстами, изображениями, записями и видео, отвечаю на "
    "вопросы о компании и о ваших файлах и советую товары.",
    "ko": "그 일은 할 수 없습니다. 글, 사진, 녹음, 동영상을 다루고, 회사와 파일에 관한 질문에 "
    "답하며, 상품을 추천해 드릴 수 있습니다.",
}


def ask_back(
    lack: Lack, language: str, shortlist: Sequence[ToolScore] = (), registry: Registry | None = None
) -> str:
    """One short question for what a request did not say.

    Args:
        shortlist: what might be meant, best first: where it is not sure what is wanted, the first
            two are named.
    """
    asked = _ASK_BACK[lack].get(language) or _ASK_BACK[lack]["en"]
    if registry is None or lack != "wish":
        return asked
    names = [each.tool for each in shortlist if each.tool != CHAT][:2]
    first, second = (_called(name, registry, language) for name in names)
    return asked.format(first=first, second=second)


def told_cannot(language: str) -> str:
    """That no tool does what is asked, and what they do."""
    return _CANNOT.get(language) or _CANNOT["en"]


def _called(name: str, registry: Registry, language: str) -> str:
    tool = registry[name]
    return tool.titles.get(language) or tool.titles.get("en") or name.replace("_", " ")
