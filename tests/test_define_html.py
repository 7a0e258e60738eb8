"""The HTML of a define.xml: complete, without broken links, and the same as the public stylesheet makes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from define_examples import ADAM, AE, SDTM, char
from lxml import etree, html

from sdtm_convert.define import define_xml, render_html
from sdtm_convert.define.elements import parse
from sdtm_convert.define.render import KEYS, keyed_transform, with_keys
from sdtm_convert.define.resources import display, stylesheet_path
from sdtm_convert.errors import InputError


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_every_link_inside_the_page_leads_somewhere(package):
    page = html.fromstring(render_html(define_xml(package)))
    targets = set(page.xpath("//@id")) | set(page.xpath("//a/@name"))
    links = [link for link in page.xpath("//a/@href") if link.startswith("#")]
    assert len(links) > 20
    assert [link for link in links if link[1:] not in targets] == []
    assert page.xpath("//*[@class='unresolved']") == []


def test_the_page_shows_what_the_package_says():
    page = html.fromstring(render_html(define_xml(SDTM)))
    text = " ".join(page.text_content().split())
    for shown in ("A study of an antiviral & its \u201csafety\u201d", "SDTMIG 3.4", "Weather & Wind < 5 m/s, \u00e9tat",
                  "MedDRA 23.0", "Number of the record within the subject, in the order of the keys.",
                  "This package has no value for the variable.", "DM is joined by STUDYID and USUBJID."):
        assert shown in text
    files = page.xpath("//a/@href[not(starts-with(., '#'))]")
    assert {"ae.xpt", "suppae.xpt", "acrf.pdf#page=7", "csdrg.pdf", "unit%20factors.pdf"} <= set(files)
    assert "fa.xpt" not in files


def test_markup_in_the_data_stays_text():
    dataset = replace(AE, variables=(char("X", "<script>alert(1)</script>"),), keys=("X",))
    page = html.fromstring(render_html(define_xml(replace(SDTM, datasets=(dataset,)))))
    assert "<script>alert(1)</script>" in page.text_content()
    assert [script.text for script in page.xpath("//script") if "alert(1)" in (script.text or "")] == []


def unkeyed() -> etree.XSLT:
    return etree.XSLT(parse(stylesheet_path().read_bytes()))


@pytest.mark.parametrize("parameters", [{}, {name: str(value) for name, value in display().items()}], ids=["plain", "ours"])
@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_keys_do_not_change_the_page(package, parameters):
    document = parse(define_xml(package))
    assert bytes(keyed_transform()(document, **parameters)) == bytes(unkeyed()(document, **parameters))


@pytest.mark.parametrize("parameters", [{}, {name: str(value) for name, value in display().items()}], ids=["plain", "ours"])
@pytest.mark.parametrize("name", ["defineV21-SDTM.xml", "defineV21-ADaM.xml"])
def test_keys_do_not_change_the_page_of_the_official_samples(shared, name, parameters):
    document = parse((shared / "define" / name).read_bytes())
    assert bytes(keyed_transform()(document, **parameters)) == bytes(unkeyed()(document, **parameters))


def test_keys_do_not_change_the_page_of_a_file_with_broken_references():
    broken = define_xml(SDTM).replace(b'ItemOID="IT.VS.VSTESTCD"', b'ItemOID="IT.NONE"').replace(b"OID=\"CL.SEX\"", b'OID="CL.S"')
    document = parse(broken)
    page = bytes(keyed_transform()(document))
    assert page == bytes(unkeyed()(document))
    assert html.fromstring(page).xpath("//*[@class='unresolved']")


def test_the_parameters_are_those_of_the_stylesheet():
    declared = parse(stylesheet_path().read_bytes()).xpath(
        "/x:stylesheet/x:param/@name", namespaces={"x": "http://www.w3.org/1999/XSL/Transform"})
    assert set(display()) == set(declared)


def test_every_key_is_used():
    expressions = [value for element in parse(stylesheet_path().read_bytes()).iter(etree.Element)
                   for name, value in element.attrib.items() if name in ("select", "test")]
    keyed = " ".join(with_keys(expression) for expression in expressions)
    assert [name for name, *_ in KEYS if f"key('{name}'" not in keyed] == []


def test_what_is_no_define_xml_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        render_html(tmp_path / "define.xml")
    with pytest.raises(InputError, match="define.xml:1: Not well-formed"):
        render_html(b"<a>")
