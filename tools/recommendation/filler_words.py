"""Words of a wish that say nothing of the item: what is left is what somebody likes."""

from __future__ import annotations

import re

FILLER = frozenset(
    """
    a an the some any this that these those it its them they one ones i i'm i'd i've me my mine
    we us our you your
    he him his she her hers someone somebody anyone anybody everyone who whom whose which what
    what's where when how why is are am was were be been being do does did done can could would
    will should shall may might must have has had having want wants wanted need needs needed like
    likes liked look looks looking search searching shop shopping find finding show give get got
    buy
    buying recommend recommends recommended recommendation recommendations suggest suggests
    suggestion suggestions propose pick choose help tell let know please thanks thank hi hello hey
    something anything things thing stuff item items product products article articles option
    options
    idea ideas choice choices next also too but and or nor if so as at by from in into of on to up
    with without for about than then there here not no never only just really very quite rather
    more
    most much many few lot lots another other others else good great nice best better suitable
    suits suit similar same alternative alternatives cheap cheaper price priced prices cost costs
    costing budget euro euros dollar dollars eur usd money spend maybe perhaps possible available
    us top new make made goes go fits fit would've customer customers user instead bought
    surprise person
    exactly precisely category categories section department half couple single
    don doesn didn isn aren won wouldn couldn can't cannot spend pay paying afford
    genau kategorie abteilung exactement catégorie rayon exactamente categoría sección exatamente
    categoria seção
    under below over above between within each per max maximum minimum least

    ein eine einen einem einer eines der die das den dem des und oder aber mit ohne für von vom zu
    zum zur im in an am auf aus bei als wie nach über unter bis ab ich mir mich mein meine meinen
    meinem meiner du dir dich dein wir uns unser sie ihr ihm ihn er es man jemand jemanden
    jemandem
    ist sind war sein hat haben habe hätte möchte möchten will wollen würde würden könnte kann
    können brauche brauchen suche suchen such zeig zeige zeigen gib geben empfiehl empfehlen
    empfehle empfehlung empfehlungen vorschlag vorschläge etwas was welche welcher welches bitte
    danke hallo nicht kein keine keinen keiner nur auch noch sehr gern gerne mehr ähnlich
    ähnliches
    ähnliche so günstig günstiger billig billiger preis euro höchstens mindestens gut gute guten
    gutes schön schöne schönes nächstes nächste idee ideen sache sachen ding dinge artikel produkt
    produkte kunde kundin gefallen nichts

    un une des du de la le les l d au aux et ou mais avec sans pour par sur sous dans en que qui
    quoi quel quelle quels quelles quelque quelques chose choses je j me moi mon ma mes tu te
    toi ton
    nous notre vous votre il elle ils elles on lui se ce cet cette ces ça c est sont était être ai
    as a avez avons avoir veux voudrais voulons aimerais aime aimerait peux peut pouvez faut
    besoin
    cherche cherchons montre montrez donne donnez trouve trouvez recommande recommandez propose
    proposez conseille conseillez suggère idée idées article articles produit produits s'il te
    plaît
    plait svp merci bonjour pas ne n plus moins très aussi bien bon bonne même semblable similaire
    comme cher chère plairait plaira prix euros client cliente

    uno unos unas el los las y o u pero con sin para por sobre desde hasta entre es son era ser
    soy
    eres ha he hay tengo tiene tienen quiero quiere queremos quisiera necesito busco buscamos
    buscando
    dame muéstrame recomienda recomiéndame recomendar recomendación sugiere sugiéreme sugerencia
    algo alguna alguno algún alguien qué cuál cuáles quién mi mis tu tus su sus yo me te le nos
    les lo
    ideas cosa cosas artículo artículos producto productos favor gracias hola no ni muy más menos
    también bueno buena buenos parecido parecida similar como otro otra precio barato barata
    cliente
    al del seguir gustaría gusta gustan podría puedes

    um uma uns umas o os as do da dos das no na nos nas ao à aos às e ou mas com sem por pelo pela
    sobre até entre é são era ser foi tem tenho têm há quero quer queremos queria gostaria preciso
    procuro procuramos procura procurando mostre mostra dê sugira recomende recomenda recomendação
    sugestão sugestões alguma algum alguém que qual quais quem meu minha meus minhas seu sua eu me
    lhe nós você vocês ele ela isso isto coisa coisas artigo artigos produto produtos por favor
    obrigado obrigada olá não nem muito mais menos também bom boa bons parecido parecida
    semelhante
    seguir gostariam outro outra preço barato barata gosta gostam

    من في على إلى عن مع بدون أو و ثم لكن هذا هذه ذلك تلك ما ماذا أي أريد نريد أحتاج أبحث رشح اقترح
    لي لنا علي لك هل يمكن يمكنك أن شيء شيئا شيئًا أشياء منتج منتجات مثل يشبه أرخص سعر بسعر فضلك
    من_فضلك شكرا مرحبا العميل الزبون عميل زبون التالي قد يعجب سيعجب يعجبه

    मुझे मेरे मेरा मेरी हमें आप का की के को से में पर और या लेकिन यह वह ये वे इस उस है हैं था हो
    कुछ
    कोई क्या कौन चाहिए चाहता चाहती चाहते दिखाओ दिखाइए दिखाएँ बताओ बताइए सुझाओ सुझाइए सुझाव दीजिए
    दो
    कृपया धन्यवाद लिए जैसा जैसी जैसे सस्ता सस्ती सस्ते चीज़ चीज चीज़ें नहीं बिना कम ज़्यादा ग्राहक
    पसंद आएगा आगे अगला ऐसा ऐसी थोड़ा
    """.split()  # noqa: SIM905
)

BARE = frozenset(
    """
    gift gifts present presents geschenk geschenke geschenken cadeau cadeaux regalo regalos prenda
    prendas presente presentes 礼物 礼品 プレゼント 贈り物 ギフト هدية هدايا उपहार तोहफ़े तोहफे
    """.split()  # noqa: SIM905
)
"""What anything may be: it says how many are wanted of, and nothing of a taste."""

FILLER_CJK = re.compile(
    r"请|麻烦|有没有|没有|给我|帮我|我们?|想要|想买|想|要|需要|推荐|介绍|一下|一些|一个|什么|"
    r"哪些|哪个|有没有|有什么|看看|找|买|点|些|"
    r"吗|呢|吧|啊|的|了|和|但是?|更便宜|便宜|价格|价位|预算|像|类似|相似|一样|那样|这样|这个|那个|"
    r"这款|东西|商品|产品|"
    r"有|会|喜欢|接下来|下一个|下一步|还|再|来|个|件|款|份|为|给|送|"
    r"ください|おすすめ|お勧め|オススメ|教えて|紹介|見せて|探して|欲しい|ほしい|いる|ある|"
    r"あります|です|ます|でしょう|"
    r"何か|なにか|何|もの|商品|どれ|次に|次|好き|そう|もっと安い|安い|みたいな|のような|"
    r"このような|似た|これ|それ|"
    r"してくれ|してほしい|して|お願い(?:します)?|が|を|に|は|の|で|と|も|な|か|へ|つ|向け|ための?"
)
"""The same for Chinese and Japanese, where words are not parted."""
