"""Who may see the page and its JSON: this machine, by its own names, and whoever has the token."""

from __future__ import annotations

import pytest
from support.webpage import TOKEN, application
from support.wsgicall import call

from wsgireload.web import access, middleware

FAR = {"REMOTE_ADDR": "192.0.2.7"}
ELSEWHERE = [
    FAR,
    {"REMOTE_ADDR": "12.7.0.1"},
    {"REMOTE_ADDR": "::ffff:192.0.2.7"},
    {"REMOTE_ADDR": ""},
    {"REMOTE_ADDR": None},
    {**FAR, "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_FORWARDED": "for=127.0.0.1"},
    {"HTTP_X_REAL_IP": "127.0.0.1"},
    {"HTTP_VIA": "1.1 proxy"},
    {"SERVER_ADDR": "192.0.2.1"},
    {"SERVER_ADDR": None},
    {"SERVER_PROTOCOL": "HTTP/1.0"},
    {"SERVER_PROTOCOL": "HTTP/0.9"},
    {"REMOTE_ADDR": "127.0.0.1.evil.example"},
    {"REMOTE_ADDR": "127.0.0.1, 192.0.2.7"},
    *(
        {"HTTP_HOST": host}
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "evil.example:localhost",
            "localhost@evil.example",
            "localhost, evil.example",
            "[::1].evil.example",
            "[::2]",
            "0.0.0.0",
            "192.0.2.1",
            "",
            ":80",
            "127.0.0.1:80:80",
            None,
        )
    ),
    *(
        {f"HTTP_{name}": "x"}
        for name in (
            "X_FORWARDED",
            "X_FORWARDED_HOST",
            "X_FORWARDED_PROTO",
            "X_FORWARDED_SERVER",
            "X_FORWARDED_PORT",
            "X_FORWARDED_BY",
            "X_FORWARD_FOR",
            "FORWARDED_FOR",
            "X_ORIGINAL_FOR",
            "X_ORIGINAL_FORWARDED_FOR",
            "X_CLIENT_IP",
            "CLIENT_IP",
            "TRUE_CLIENT_IP",
            "FLY_CLIENT_IP",
            "FASTLY_CLIENT_IP",
            "X_CLUSTER_CLIENT_IP",
            "X_USER_IP",
            "CDN_SRC_IP",
            "REMOTE_ADDR",
            "X_REWRITE_URL",
            "X_BACKEND_HOST",
            "X_HOST_OVERRIDE",
            "X_QUEUE_START",
            "X_CACHE",
            "X_HAPROXY_SERVER_STATE",
            "X_NGROK_TRACE_ID",
            "TAILSCALE_USER_LOGIN",
            "MAX_FORWARDS",
            "WL_PROXY_CLIENT_IP",
            "PROXY_CLIENT_IP",
            "X_PROXYUSER_IP",
            "X_REMOTE_IP",
            "X_REMOTE_ADDR",
            "X_SUCURI_CLIENTIP",
            "CF_CONNECTING_IP",
            "CF_CONNECTING_IPV6",
            "CF_RAY",
            "CF_VISITOR",
            "CDN_LOOP",
            "X_CDN_IP",
            "FASTLY_FF",
            "X_AKAMAI_EDGESCAPE",
            "AKAMAI_ORIGIN_HOP",
            "FLY_REGION",
            "X_ENVOY_EXTERNAL_ADDRESS",
            "X_AZURE_CLIENTIP",
            "X_AZURE_REF",
            "X_AMZ_CF_ID",
            "X_AMZN_TRACE_ID",
            "X_VARNISH",
            "CLOUDFRONT_VIEWER_ADDRESS",
            "X_CLOUD_TRACE_CONTEXT",
            "X_APPENGINE_USER_IP",
            "X_ARR_SSL",
            "X_NF_CLIENT_CONNECTION_IP",
            "X_VERCEL_FORWARDED_FOR",
            "X_HOST",
            "X_SCHEME",
            "X_HTTPS",
            "X_SCRIPT_NAME",
            "FRONT_END_HTTPS",
            "PROXY_CONNECTION",
        )
    ),
]


@pytest.mark.parametrize("environ", ELSEWHERE, ids=str)
@pytest.mark.parametrize("name", ["", "status.json", "live", "live.js"])
def test_from_elsewhere_it_is_not_there(say, environ: dict[str, str], name: str) -> None:
    """Another machine gets the application's response, whatever headers it sends."""
    for served in (middleware(application, live=True), middleware(application, token=TOKEN)):
        answer = call(served, f"/.wsgireload/{name}", **environ)
        assert (answer.body, len(answer.headers)) == (b"me", 2)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_from_here_it_is(say, address: str) -> None:
    """This machine needs no token, whatever its address is called."""
    ends = {"REMOTE_ADDR": address, "SERVER_ADDR": address}
    for served in (middleware(application), middleware(application, token=TOKEN)):
        assert "wsgireload" in call(served, "/.wsgireload/", **ends).text


OUR_NAMES = ["localhost", "LOCALHOST:8080", "localhost.", "shop.localhost:80", "127.0.0.1:8080"]
OUR_NAMES += ["127.0.0.2", "[::1]", "[::1]:8080", "shop.test", "Shop.Test:8080", "shop.test."]
CLIENT_HEADERS = ["ACCEPT", "ORIGIN", "REFERER", "X_CLIENT_DATA", "X_REQUEST_ID", "AUTHORIZATION"]
CLIENT_HEADERS += ["X_CSRFTOKEN", "DEVICE_MEMORY", "SEC_FETCH_SITE", "X_FORM_ID", "DNT", "FLYING"]


@pytest.mark.parametrize("host", OUR_NAMES)
def test_the_names_of_this_machine(say, host: str) -> None:
    """Without the token the host has to be localhost, a loopback address or one of `hosts`."""
    served = middleware(application, hosts=["shop.test"])
    headers = {f"HTTP_{name}": "x" for name in CLIENT_HEADERS}
    answer = call(served, "/.wsgireload/", HTTP_HOST=host, **headers)
    assert "wsgireload" in answer.text
    alone = call(middleware(application), "/.wsgireload/", HTTP_HOST=host)
    assert ("wsgireload" in alone.text) == ("test" not in host.lower())
    one = middleware(application, hosts="shop.test")
    assert "wsgireload" in call(one, "/.wsgireload/", HTTP_HOST="shop.test").text


def test_with_the_token(say) -> None:
    """A client with the token sees it from anywhere, by the header or the query."""
    served = middleware(application, token=TOKEN)
    for path, more in (("", {"HTTP_X_WSGIRELOAD_TOKEN": TOKEN}), (f"?token={TOKEN}", {})):
        answer = call(served, f"/.wsgireload/{path}", **FAR, **more)
        assert "wsgireload" in answer.text
        assert TOKEN not in answer.text
        assert TOKEN not in str(answer.headers)


@pytest.mark.parametrize(
    "wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "%FF", "é" * 20]
)
def test_with_another_token(say, wrong: str) -> None:
    """A wrong token, or bytes that are no text, do not work."""
    served = middleware(application, token=TOKEN)
    latin = wrong.encode().decode("latin-1")
    for path, more in (
        (f"?token={latin}", {}),
        ("", {"HTTP_X_WSGIRELOAD_TOKEN": latin}),
        ("", {"HTTP_COOKIE": f"wsgireload={latin}"}),
    ):
        assert call(served, f"/.wsgireload/{path}", **FAR, **more).body == b"me"


def test_a_token_beyond_ascii(say) -> None:
    """A token may have any characters: they come as UTF-8."""
    served = middleware(application, token="ключ" * 4)
    sent = ("ключ" * 4).encode()
    header = {"HTTP_X_WSGIRELOAD_TOKEN": sent.decode("latin-1")}
    assert "wsgireload" in call(served, "/.wsgireload/", **FAR, **header).text
    query = "".join(f"%{byte:02X}" for byte in sent)
    assert "wsgireload" in call(served, f"/.wsgireload/?token={query}", **FAR).text


def test_a_browser_that_knew_the_token(say) -> None:
    """The browser gets a cookie without the token, for this site only, hidden from scripts."""
    served = middleware(application, token=TOKEN)
    given = call(served, f"/.wsgireload/?token={TOKEN}", SCRIPT_NAME="/shop", **FAR)
    cookie = given.header("Set-Cookie") or ""
    assert cookie.endswith("; Path=/shop; HttpOnly; SameSite=Strict")
    odd = {"SCRIPT_NAME": "/caf\xc3\xa9; Domain=evil.example", "wsgi.url_scheme": "https"}
    secure = call(served, f"/.wsgireload/?token={TOKEN}", **odd, **FAR).header("Set-Cookie") or ""
    path = "/caf%C3%A9%3B%20Domain=evil.example"
    assert secure.endswith(f"; Path={path}; HttpOnly; SameSite=Strict; Secure")
    held = f"other=1; {cookie.partition(';')[0]}"
    assert "wsgireload" in call(served, "/.wsgireload/", HTTP_COOKIE=held, **FAR).text
    other = middleware(application, token=TOKEN + "x")
    assert call(other, "/.wsgireload/", HTTP_COOKIE=held, **FAR).body == b"me"
    assert call(middleware(application), "/.wsgireload/", HTTP_COOKIE=held, **FAR).body == b"me"
    assert call(served, "/.wsgireload/").header("Set-Cookie") is None


def test_a_header_full_of_cookies(say) -> None:
    """The cookie is found among any others, in time that grows with the length of the header."""
    served = middleware(application, token=TOKEN)
    given = call(served, f"/.wsgireload/?token={TOKEN}", **FAR).header("Set-Cookie") or ""
    ours = given.partition(";")[0]
    for others in ("{", '"', "a=[b]; ", "\xff;;=; ", 'q="x; y', "wsgireload=; ", "wsgireload;"):
        cookies = f"{others * 20_000}; {ours}"
        assert "wsgireload" in call(served, "/.wsgireload/", HTTP_COOKIE=cookies, **FAR).text
        wrong = cookies[:-1]
        assert call(served, "/.wsgireload/", HTTP_COOKIE=wrong, **FAR).body == b"me"


def test_tokens_are_compared_in_constant_time(say, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison takes the same time, whichever byte is wrong."""
    assert access.compare_digest.__name__ in ("_compare_digest", "compare_digest")
    compared = []
    monkeypatch.setattr(access, "compare_digest", lambda a, b: compared.append((a, b)))
    call(middleware(application, token=TOKEN), "/.wsgireload/?token=x", **FAR)
    assert (b"x", TOKEN.encode()) in compared
