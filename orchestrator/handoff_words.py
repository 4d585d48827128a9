"""What a customer is told when a person takes over, and when the agent is back."""

from __future__ import annotations

from typing import Literal

from orchestrator.turn import HandoffReason

Occasion = Literal["waiting", "back"] | HandoffReason

_WORDS: dict[str, dict[Occasion, str]] = {
    "en": {
        "human_requested": "I am handing this conversation over to a person, who will answer you "
        "here. You can write more in the meantime; it is all passed on.",
        "legal_threat": "This is a matter for a person, not for me, so I am handing this "
        "conversation over. You will be answered here.",
        "distress": "I am so sorry that you are going through this. You do not have to face it "
        "alone: I am asking a person to take over, and they will answer you here. If you or "
        "someone else may be in danger right now, please call your local emergency services, or "
        "turn to someone near you whom you trust.",
        "low_confidence": "I was not able to help twice in a row, so I am handing this "
        "conversation over to a person, who will answer you here.",
        "waiting": "Your message was passed on. A person has this conversation and will answer "
        "you here.",
        "back": "The assistant is back: the person has handed this conversation back to me. What "
        "else can I do for you?",
    },
    "zh": {
        "human_requested": "我正在把这个对话转给人工客服，对方会在这里回复您。您可以继续留言，"
        "内容都会一并转达。",
        "legal_threat": "这件事应当由人工处理，我正在把这个对话转给他们，您会在这里收到回复。",
        "distress": "听到您正经历这些，我很难过。您不必独自面对：我正在请一位工作人员接手，"
        "对方会在这里回复您。如果您或他人此刻可能有危险，请立即联系当地的紧急救助服务，"
        "或者找一位身边您信任的人。",
        "low_confidence": "我接连两次没能帮上忙，所以正在把这个对话转给人工客服，"
        "对方会在这里回复您。",
        "waiting": "您的留言已经转达。这个对话现在由人工客服负责，对方会在这里回复您。",
        "back": "智能助手回来了：人工客服已经把这个对话交还给我。还有什么可以帮您？",
    },
    "es": {
        "human_requested": "Paso esta conversación a una persona, que le responderá aquí. "
        "Mientras tanto puede seguir escribiendo; se lo transmito todo.",
        "legal_threat": "Este asunto debe tratarlo una persona y no yo, así que le paso esta "
        "conversación. Recibirá la respuesta aquí.",
        "distress": "Siento mucho que esté pasando por esto. No tiene que afrontarlo a solas: "
        "estoy pidiendo a una persona que tome el relevo, y le responderá aquí. Si usted u otra "
        "persona puede estar en peligro ahora mismo, llame a los servicios de emergencia de su "
        "zona o acuda a alguien cercano en quien confíe.",
        "low_confidence": "No he podido ayudarle dos veces seguidas, así que paso esta "
        "conversación a una persona, que le responderá aquí.",
        "waiting": "Su mensaje se ha transmitido. Una persona lleva esta conversación y le "
        "responderá aquí.",
        "back": "Vuelvo a ser el asistente: la persona me ha devuelto esta conversación. ¿En qué "
        "más puedo ayudarle?",
    },
    "fr": {
        "human_requested": "Je transmets cette conversation à une personne, qui vous répondra "
        "ici. Vous pouvez continuer à écrire entre-temps ; tout lui est transmis.",
        "legal_threat": "Cette affaire revient à une personne et non à moi : je lui transmets "
        "cette conversation. Vous recevrez la réponse ici.",
        "distress": "Je suis vraiment désolé que vous traversiez cela. Vous n'avez pas à y faire "
        "face sans soutien : je demande à une personne de prendre le relais, et elle vous "
        "répondra ici. Si vous ou quelqu'un d'autre êtes peut-être en danger en ce moment, "
        "appelez les services d'urgence de votre région ou tournez-vous vers un proche de "
        "confiance.",
        "low_confidence": "Je n'ai pas pu vous aider deux fois de suite ; je transmets donc cette "
        "conversation à une personne, qui vous répondra ici.",
        "waiting": "Votre message a été transmis. Une personne a pris cette conversation et vous "
        "répondra ici.",
        "back": "L'assistant est de retour : la personne m'a rendu cette conversation. Que puis-je "
        "faire d'autre pour vous ?",
    },
    "de": {
        "human_requested": "Ich übergebe dieses Gespräch an einen Menschen, der Ihnen hier "
        "antworten wird. Schreiben Sie inzwischen gern weiter; alles wird weitergegeben.",
        "legal_threat": "Das ist eine Sache für einen Menschen und nicht für mich, deshalb "
        "übergebe ich dieses Gespräch. Sie erhalten die Antwort hier.",
        "distress": "Es tut mir sehr leid, dass Sie das durchmachen. Sie müssen damit nicht allein "
        "sein: Ich bitte einen Menschen zu übernehmen, und er wird Ihnen hier antworten. Wenn Sie "
        "oder jemand anderes gerade in Gefahr sein könnten, rufen Sie bitte den Notruf an Ihrem "
        "Ort, oder wenden Sie sich an jemanden in Ihrer Nähe, dem Sie vertrauen.",
        "low_confidence": "Ich konnte zweimal hintereinander nicht helfen, deshalb übergebe ich "
        "dieses Gespräch an einen Menschen, der Ihnen hier antworten wird.",
        "waiting": "Ihre Nachricht wurde weitergegeben. Ein Mensch hat dieses Gespräch übernommen "
        "und wird Ihnen hier antworten.",
        "back": "Der Assistent ist wieder da: Der Mensch hat mir dieses Gespräch zurückgegeben. "
        "Was kann ich noch für Sie tun?",
    },
    "pt": {
        "human_requested": "Vou passar esta conversa a uma pessoa, que lhe responderá aqui. "
        "Entretanto pode continuar a escrever; tudo é transmitido.",
        "legal_threat": "Este assunto cabe a uma pessoa e não a mim, por isso passo esta conversa. "
        "A resposta chegará aqui.",
        "distress": "Lamento muito que esteja a passar por isto. Não tem de enfrentar tudo a sós: "
        "estou a pedir a uma pessoa que assuma a conversa, e ela responderá aqui. Se você ou outra "
        "pessoa puder estar em perigo neste momento, ligue para os serviços de emergência da sua "
        "região ou procure alguém próximo em quem confie.",
        "low_confidence": "Não consegui ajudar duas vezes seguidas, por isso passo esta conversa a "
        "uma pessoa, que lhe responderá aqui.",
        "waiting": "A sua mensagem foi transmitida. Uma pessoa assumiu esta conversa e "
        "responderá aqui.",
        "back": "O assistente voltou: a pessoa devolveu-me esta conversa. Em que mais posso "
        "ajudar?",
    },
    "ja": {
        "human_requested": "この会話を担当者に引き継ぎます。担当者がここでお返事します。"
        "その間に書かれたこともすべて伝わります。",
        "legal_threat": "この件は私ではなく人が対応すべきものですので、会話を担当者に引き継ぎます。"
        "お返事はここに届きます。",
        "distress": "とてもおつらい状況なのですね。ひとりで抱え込まなくて大丈夫です。"
        "いま担当者に引き継ぎをお願いしています。ここでお返事します。"
        "ご自身やほかの方にいま危険があるかもしれないときは、お住まいの地域の緊急通報先に連絡するか、"
        "身近な信頼できる方を頼ってください。",
        "low_confidence": "二回続けてお役に立てませんでしたので、この会話を担当者に引き継ぎます。"
        "担当者がここでお返事します。",
        "waiting": "メッセージをお伝えしました。この会話は担当者が引き継いでおり、"
        "ここでお返事します。",
        "back": "アシスタントが戻りました。担当者から会話を引き継ぎました。"
        "ほかにご用件はありますか。",
    },
    "ar": {
        "human_requested": "سأحوّل هذه المحادثة إلى شخص من فريقنا، وسيصلك الرد هنا. يمكنك مواصلة "
        "الكتابة في هذه الأثناء، فكل ما تكتبه يُنقل إليه.",
        "legal_threat": "هذا أمر يعود إلى شخص لا إليّ، لذلك أحوّل هذه المحادثة. سيصلك الرد هنا.",
        "distress": "يؤسفني جدًا ما تمر به. لست مضطرًا إلى مواجهة ذلك وحدك: أطلب الآن من شخص أن "
        "يتولى المحادثة، وسيصلك الرد هنا. إذا كنت أنت أو غيرك في خطر الآن، فاتصل من فضلك بخدمات "
        "الطوارئ في منطقتك أو توجّه إلى شخص قريب تثق به.",
        "low_confidence": "لم أستطع مساعدتك مرتين متتاليتين، لذلك أحوّل هذه المحادثة إلى شخص من "
        "فريقنا، وسيصلك الرد هنا.",
        "waiting": "نُقلت رسالتك. يتولى شخص هذه المحادثة وسيصلك الرد هنا.",
        "back": "عاد المساعد: أُعيدت إليّ هذه المحادثة. بماذا يمكنني أن أساعدك أيضًا؟",
    },
    "hi": {
        "human_requested": "मैं यह बातचीत एक व्यक्ति को सौंप रहा हूँ, जो आपको यहीं जवाब देंगे। इस बीच "
        "आप और लिख सकते हैं; सब कुछ उन तक पहुँचता है।",
        "legal_threat": "यह मामला मेरे नहीं, किसी व्यक्ति के देखने का है, इसलिए मैं यह बातचीत सौंप रहा "
        "हूँ। आपको यहीं जवाब मिलेगा।",
        "distress": "मुझे बहुत दुख है कि आप इससे गुज़र रहे हैं। आपको यह अकेले नहीं झेलना है: मैं एक "
        "व्यक्ति से बातचीत सँभालने को कह रहा हूँ, वे आपको यहीं जवाब देंगे। अगर आप या कोई और अभी "
        "ख़तरे में हो सकता है, तो कृपया अपने इलाक़े की आपातकालीन सेवा को फ़ोन करें या पास के किसी "
        "भरोसेमंद व्यक्ति से मदद लें।",
        "low_confidence": "मैं लगातार दो बार मदद नहीं कर पाया, इसलिए मैं यह बातचीत एक व्यक्ति को सौंप "
        "रहा हूँ, जो आपको यहीं जवाब देंगे।",
        "waiting": "आपका संदेश पहुँचा दिया गया है। यह बातचीत एक व्यक्ति के पास है, वे आपको यहीं जवाब देंगे।",
        "back": "सहायक वापस है: यह बातचीत मुझे लौटा दी गई है। मैं आपके लिए और क्या कर सकता हूँ?",
    },
}

_NOT_POSSIBLE: dict[str, str] = {
    "en": "I can't hand this over to a person: this request is part of no stored conversation, so "
    "nobody could answer it. Ask again in a conversation that is kept.",
    "zh": "我无法把这个请求转给人工客服：它不属于任何已保存的对话，没有人能够回复。"
    "请在会被保存的对话中再次提出。",
    "es": "No puedo pasar esto a una persona: la petición no forma parte de ninguna conversación "
    "guardada y nadie podría responderla. Vuelva a pedirlo en una conversación que se guarde.",
    "fr": "Je ne peux pas transmettre ceci à une personne : la demande ne fait partie d'aucune "
    "conversation enregistrée et personne ne pourrait y répondre. Redemandez-le dans une "
    "conversation enregistrée.",
    "de": "Ich kann das nicht an einen Menschen übergeben: Die Anfrage gehört zu keinem "
    "gespeicherten Gespräch, also könnte niemand antworten. Fragen Sie noch einmal in einem "
    "Gespräch, das gespeichert wird.",
    "pt": "Não posso passar isto a uma pessoa: o pedido não faz parte de nenhuma conversa "
    "guardada e ninguém poderia responder. Peça de novo numa conversa que seja guardada.",
    "ja": "この依頼は保存された会話の一部ではなく、誰も返信できないため、担当者に引き継げません。"
    "保存される会話でもう一度お知らせください。",
    "ar": "لا يمكنني تحويل هذا إلى شخص: هذا الطلب ليس جزءًا من محادثة محفوظة، فلا أحد يستطيع الرد "
    "عليه. اطلب ذلك مرة أخرى في محادثة محفوظة.",
    "hi": "मैं इसे किसी व्यक्ति को नहीं सौंप सकता: यह अनुरोध किसी सहेजी गई बातचीत का हिस्सा नहीं है, "
    "इसलिए कोई जवाब नहीं दे पाएगा। कृपया किसी सहेजी जाने वाली बातचीत में फिर से कहें।",
}

_ALONE: dict[str, str] = {
    "en": "I am so sorry that you are going through this. If you or someone else may be in danger "
    "right now, please call your local emergency services, or turn to someone near you whom you "
    "trust.",
    "zh": "听到您正经历这些，我很难过。如果您或他人此刻可能有危险，请立即联系当地的紧急救助服务，"
    "或者找一位身边您信任的人。",
    "es": "Siento mucho que esté pasando por esto. Si usted u otra persona puede estar en peligro "
    "ahora mismo, llame a los servicios de emergencia de su zona o acuda a alguien cercano en "
    "quien confíe.",
    "fr": "Je suis vraiment désolé que vous traversiez cela. Si vous ou quelqu'un d'autre êtes "
    "peut-être en danger en ce moment, appelez les services d'urgence de votre région ou "
    "tournez-vous vers un proche de confiance.",
    "de": "Es tut mir sehr leid, dass Sie das durchmachen. Wenn Sie oder jemand anderes gerade in "
    "Gefahr sein könnten, rufen Sie bitte den Notruf an Ihrem Ort, oder wenden Sie sich an "
    "jemanden in Ihrer Nähe, dem Sie vertrauen.",
    "pt": "Lamento muito que esteja a passar por isto. Se você ou outra pessoa puder estar em "
    "perigo neste momento, ligue para os serviços de emergência da sua região ou procure alguém "
    "próximo em quem confie.",
    "ja": "とてもおつらい状況なのですね。ご自身やほかの方にいま危険があるかもしれないときは、"
    "お住まいの地域の緊急通報先に連絡するか、身近な信頼できる方を頼ってください。",
    "ar": "يؤسفني جدًا ما تمر به. إذا كنت أنت أو غيرك في خطر الآن، فاتصل من فضلك بخدمات الطوارئ في "
    "منطقتك أو توجّه إلى شخص قريب تثق به.",
    "hi": "मुझे बहुत दुख है कि आप इससे गुज़र रहे हैं। अगर आप या कोई और अभी ख़तरे में हो सकता है, तो "
    "कृपया अपने इलाक़े की आपातकालीन सेवा को फ़ोन करें या पास के किसी भरोसेमंद व्यक्ति से मदद लें।",
}


def told(occasion: Occasion, language: str) -> str:
    """What is said on an occasion, in the customer's language, or in English."""
    return _WORDS.get(language, _WORDS["en"])[occasion]


def told_not_possible(reason: HandoffReason, language: str) -> str:
    """What is said where no person could answer: the request is part of no stored conversation."""
    known = language if language in _NOT_POSSIBLE else "en"
    words = _NOT_POSSIBLE[known]
    return f"{_ALONE[known]}\n\n{words}" if reason == "distress" else words
