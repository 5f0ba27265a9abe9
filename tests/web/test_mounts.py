"""Which application a request comes to, and when it is made."""

import httpx
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.web.mounts import Late, Mounts


def saying(text: str, made: list[str]) -> Late:
    """An application that says the same to everybody; notes when it is made."""

    def make() -> ASGIApp:
        made.append(text)

        async def say(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text.encode(), "more_body": False})

        return say

    return Late(make)


async def test_the_first_segment_of_a_path_decides_and_each_application_is_made_once_when_it_is_needed() -> None:
    made: list[str] = []
    one = saying("one", made)
    app = Mounts({"v1": one, "token": one, "v2": saying("two", made)}, saying("others", made))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert made == []
        for path, expected in {"/v1": "one", "/v1/x": "one", "/token/": "one", "/": "others", "/v11": "others"}.items():
            assert (await client.get(path)).text == expected
    assert made == ["one", "others"]
