"""Small PDF files: lines of text on one A4 page, the same bytes for the same lines."""

from collections.abc import Sequence

#: One-based numbers of the objects in the file.
CATALOG, PAGES, PAGE, CONTENT, FONT = range(1, 6)


def text_page(lines: Sequence[str]) -> bytes:
    """Return a PDF 1.4 file that shows `lines` in Helvetica. Letters outside Windows-1252 become question marks."""
    objects = [
        f"<< /Type /Catalog /Pages {PAGES} 0 R >>".encode(),
        f"<< /Type /Pages /Kids [{PAGE} 0 R] /Count 1 >>".encode(),
        f"<< /Type /Page /Parent {PAGES} 0 R /MediaBox [0 0 595 842] /Contents {CONTENT} 0 R"
        f" /Resources << /Font << /F1 {FONT} 0 R >> >> >>".encode(),
        _stream(_drawing(lines)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _file(objects)


def _drawing(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(" + _escaped(line) + b") Tj T*\n" for line in lines)
    return b"BT\n/F1 12 Tf\n18 TL\n56 770 Td\n" + shown + b"ET\n"


def _escaped(line: str) -> bytes:
    text = line.encode("cp1252", "replace")
    return text.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def _stream(data: bytes) -> bytes:
    return f"<< /Length {len(data)} >>\nstream\n".encode() + data + b"endstream"


def _file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    start = len(out)
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<< /Size {size} /Root {CATALOG} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
