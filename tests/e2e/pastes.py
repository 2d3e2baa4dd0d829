"""What other programs put on the clipboard: our own words in the markup that each of them is known for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paste:
    source: str
    html: str
    kept: str


WORD = Paste(
    "Word",
    """<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"
xmlns:w="urn:schemas-microsoft-com:office:word"><head><meta name=Generator content="Microsoft Word 15">
<style><!-- /* Font Definitions */ p.MsoNormal {margin:0cm; font-size:11.0pt;} @list l0 {mso-list-id:1;} --></style>
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]--></head>
<body lang=EN-GB style='tab-interval:36.0pt;word-wrap:break-word'><!--StartFragment-->
<p class=MsoTitle>Harbour news<o:p></o:p></p>
<h1><b><span style='font-family:"Calibri Light",sans-serif'>The tide tables<o:p></o:p></span></b></h1>
<p class=MsoNormal>The sea<span style='mso-spacerun:yes'>  </span>is <b style='mso-bidi-font-weight:normal'>far</b>
out&nbsp;&nbsp; today, 10&nbsp;km or so.<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;
</span></span></span><![endif]><b>Boats:</b> three<o:p></o:p></p>
<p class=MsoListParagraphCxSpMiddle style='margin-left:72.0pt;mso-add-space:auto;mso-list:l0 level2 lfo1'>
<![if !supportLists]><span style='font-family:"Courier New"'><span style='mso-list:Ignore'>o<span
style='font:7.0pt "Times New Roman"'>&nbsp; </span></span></span><![endif]>red<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·<span>&nbsp;</span></span><![endif]>Gulls<o:p></o:p></p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><![if !supportLists]><span style='mso-list:Ignore'>3.<span>
&nbsp;</span></span><![endif]>Third<o:p></o:p></p>
<p class=MsoNormal>See <a name="_Toc1"></a><a href="https://example.com/tides"><span class=MsoHyperlink>the
tables</span></a><span style='mso-comment-continuation:1'>.</span><span class=MsoCommentReference><span
style='display:none;mso-hide:all'>[A1]</span></span></p>
<!--EndFragment--></body></html>""",
    "<h2>Harbour news</h2><h2>The tide tables</h2>"
    "<p>The sea is <strong>far</strong> out today, 10&nbsp;km or so.</p>"
    "<ul><li><p><strong>Boats:</strong> three</p><ul><li><p>red</p></li></ul></li><li><p>Gulls</p></li></ul>"
    '<ol start="3"><li><p>Third</p></li></ol>'
    '<p>See <a href="https://example.com/tides">the tables</a>.</p>',
)

GOOGLE_DOCS = Paste(
    "Google Docs",
    """<meta charset='utf-8'><meta charset="utf-8"><b style="font-weight:normal;"
id="docs-internal-guid-0a1b2c3d-7fff-1234-5678-90abcdef1234"><h1 dir="ltr"
style="line-height:1.38;margin-top:20pt;"><span style="font-size:20pt;
font-family:Arial,sans-serif;font-weight:400;font-style:normal;text-decoration:none;
white-space:pre-wrap;">Letters</span></h1><p dir="ltr" style="line-height:1.38;"><span
style="font-size:11pt;font-weight:400;font-style:normal;">One </span><span
style="font-size:11pt;font-weight:700;font-style:normal;">bold</span><span
style="font-size:11pt;font-weight:400;font-style:italic;"> and slanted</span><span
style="font-weight:400;text-decoration:line-through;"> gone</span><span style="font-weight:400">, with </span><a
href="https://www.google.com/url?q=https://example.com/letters?a%3D1&amp;sa=D&amp;source=editors&amp;ust=1&amp;usg=AOvVaw"
style="text-decoration:none;"><span style="color:#1155cc;text-decoration:underline;">a link</span></a></p><br /><h4
dir="ltr"><span style="color:#666666;font-weight:400;">Small</span></h4><ul
style="margin-top:0;padding-inline-start:48px;"><li
dir="ltr" aria-level="1"><p dir="ltr" role="presentation"><span style="font-weight:400;">stamp</span></p></li><ul><li
dir="ltr" aria-level="2"><p dir="ltr" role="presentation"><span style="font-weight:400;">red</span></p></li></ul><li
dir="ltr"><p dir="ltr" role="presentation"><span>ink</span></p></li></ul></b><br class="Apple-interchange-newline">""",
    "<h2>Letters</h2><p>One <strong>bold</strong><em> and slanted</em><s> gone</s>, with "
    '<a href="https://example.com/letters?a=1">a link</a></p><h3>Small</h3>'
    "<ul><li><p>stamp</p><ul><li><p>red</p></li></ul></li><li><p>ink</p></li></ul>",
)

WEB_PAGE = Paste(
    "a web page",
    """<html><body><!--StartFragment--><article class="post" onclick="steal()"><h1 class="title">Bridges</h1>
<p class="lead" style="color:red">They <span style="font-weight:600">hold</span>.<script>alert(1)</script></p>
<style>p{color:red}</style><p style="display:none">Hidden</p><h5>Why</h5>
<table class="wide"><thead><tr><th>Bridge</th><th>Length</th></tr></thead><tbody><tr><td>Old</td><td>
<p>80&nbsp;m</p></td></tr><tr><td></td><td></td></tr></tbody></table>
<figure><img src="https://pictures.example/b.jpg" alt="A bridge" width="640" height="480" srcset="x 2x">
<figcaption>The <em>old</em> one</figcaption></figure>
<p><a href="javascript:alert(1)">Bad</a> <a href="#note">note</a> <a href="https://example.com/?utm_source=x">good</a>
<img class="emoji" alt="🌉" src="https://s.example/1f309.svg"></p><aside class="take" onclick="x">Aside</aside>
<div>First<br><br>Second<br>line</div><iframe src="https://evil.example"></iframe><button>Share</button>
</article><!--EndFragment--></body></html>""",
    "<h2>Bridges</h2><p>They <strong>hold</strong>.</p><h3>Why</h3><p>Bridge · Length</p>"
    "<p>Old · 80&nbsp;m</p>"
    '<figure class="img"><img src="https://pictures.example/b.jpg" alt="A bridge" width="640" height="480">'
    "<figcaption>The old one</figcaption></figure>"
    '<p>Bad note <a href="https://example.com/?utm_source=x">good</a> 🌉</p><p>Aside</p><p>First</p>'
    "<p>Second<br>line</p>",
)

OUTLOOK = Paste(
    "a mail in Outlook",
    """<div dir="ltr"><div class="elementToProof" style="font-family:Aptos">Hello&nbsp;</div><div><br></div>
<div>Look at <a href="https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.com%2Fa&amp;data=05%7C02"
data-auth="NotApplicable" id="LPlnk1">this</a> &#128512;</div><table cellpadding="0"><tbody><tr><td>
<table><tbody><tr><td><h2>Deals</h2><p>Come by.</p></td></tr></tbody></table></td></tr></tbody></table>
<img width="1" height="1" src="https://count.example/open.gif"></div>""",
    '<p>Hello</p><p>Look at <a href="https://example.com/a">this</a> 😀</p><h2>Deals</h2><p>Come by.</p>',
)

PASTES = (WORD, GOOGLE_DOCS, WEB_PAGE, OUTLOOK)
