"""Archives, and what is hidden in other files."""

import base64
import io
import json
import pickle
import tarfile
import zipfile
import zlib

from biolab.joint.disclosure.gate import Leaving

from .world import World, html, leak, packed, png, svg


@leak
def archive_of_rows(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"tables/rows.csv": world.frame.write_csv()}))


@leak
def archive_of_pickle(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"a.json": "{}", "model.pkl": pickle.dumps([1, 2])}))


@leak
def archive_in_archive(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"more.zip": packed({"a.json": "{}"})}))


@leak
def archive_comment(world: World) -> Leaving:
    buffer = io.BytesIO(packed({"a.json": "{}"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = world.frame.write_csv()[:2000].encode()
    return world.file("bundle.zip", buffer.getvalue())


@leak
def bytes_before_archive(world: World) -> Leaving:
    return world.file("bundle.zip", world.frame.write_csv().encode() + packed({"a.json": "{}"}))


@leak
def zip_bomb(world: World) -> Leaving:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(8 * 2**20))
    return world.file("bundle.zip", buffer.getvalue())


@leak
def tar_archive(world: World) -> Leaving:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.json"), io.BytesIO())
    return world.file("bundle.json", buffer.getvalue())


@leak
def base64_of_rows_in_json(world: World) -> Leaving:
    return world.json({"note_of_model": base64.b64encode(world.frame.write_csv().encode()).decode()})


@leak
def base64_of_pickle_in_tag(world: World) -> Leaving:
    return {"tags": {"state": base64.b64encode(pickle.dumps(world.frame.rows())).decode()}}


@leak
def urlsafe_base64_in_param(world: World) -> Leaving:
    return {"params": {"state": base64.urlsafe_b64encode(zlib.compress(world.frame.write_csv().encode())).decode()}}


@leak
def data_uri_in_page(world: World) -> Leaving:
    payload = base64.b64encode(world.frame.write_csv().encode()).decode()
    return world.file("page.html", html(f'<a href="data:text/csv;base64,{payload}">table</a>'))


@leak
def plain_data_uri_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<a href='data:text/plain,jane.doe@hospital.org'>table</a>"))


@leak
def data_uri_in_figure(world: World) -> Leaving:
    payload = base64.b64encode(world.frame.write_ipc(None).getvalue()).decode()
    return world.file("f.svg", svg(f'<image href="data:image/png;base64,{payload}"/>'))


@leak
def hexadecimal_of_rows(world: World) -> Leaving:
    return world.json({"fingerprint": world.frame.write_csv().encode().hex()})


@leak
def script_in_page(world: World) -> Leaving:
    rows = json.dumps(world.opaque.rows()[:4])
    return world.file("page.html", html(f"<script type='application/json'>{rows}</script>"))


@leak
def comment_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<!-- patient 00123 died early -->"))


@leak
def text_after_page(world: World) -> Leaving:
    return world.file("page.html", html("<p>ok</p>") + "x1,x2\n1,2\n")


@leak
def data_attribute_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<div data-of='MRN 0012345'>ok</div>"))


@leak
def png_text_chunk(world: World) -> Leaving:
    return world.file("f.png", png([(b"tEXt", b"Comment\0" + world.frame.write_csv()[:500].encode())]))


@leak
def png_private_chunk(world: World) -> Leaving:
    return world.file("f.png", png([(b"rOWs", b"1,2,3")]))


@leak
def png_bytes_after_end(world: World) -> Leaving:
    return world.file("f.png", png(after=world.frame.write_csv().encode()))


@leak
def png_bytes_behind_pixels(world: World) -> Leaving:
    return world.file("f.png", png(extra=world.frame.write_csv().encode()))


@leak
def svg_metadata(world: World) -> Leaving:
    return world.file("f.svg", svg(f"<metadata>{' '.join(map(str, world.opaque.rows()[:30]))}</metadata>"))


@leak
def svg_script(world: World) -> Leaving:
    return world.file("f.svg", svg("<script>fetch('//elsewhere')</script>"))


@leak
def svg_foreign_address(world: World) -> Leaving:
    return world.file("f.svg", svg('<image href="https://elsewhere.example/a.png"/>'))


@leak
def svg_entities(world: World) -> Leaving:
    return world.file("f.svg", f'<!DOCTYPE svg [<!ENTITY a "{world.frame["patient"][0]}">]>' + svg("<text>&a;</text>"))
