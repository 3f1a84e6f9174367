from __future__ import annotations

import pytest

from dockerfile_frontend.registry.client import Client, Settings
from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.errors import RegistryError
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from dockerfile_frontend.registry.names import ImageName
from dockerfile_frontend.registry.transport import Proxies
from tests.registry.servers import OPEN, Clock, Say, Scripted, manifest

BODY = manifest("sha256:" + "a" * 64, 2)
NAME = ImageName.parse("plain.test/a:1")


def through(proxies: Proxies) -> Client:
    hosts = HostTable({"plain.test": HostConfig(http=True)})
    client = Client(Settings(hosts=hosts, proxies=proxies, retry=Clock().retry(attempts=1)))
    OPEN.append(client)
    return client


def test_a_proxy_is_asked_for_the_whole_url_and_gets_its_own_password() -> None:
    with Scripted() as server:
        server.says("http://plain.test/v2/a/manifests/1", Say(body=BODY))
        found = through(Proxies(http=f"http://joe:hu%73h@{server.host}")).get_manifest(NAME)
        assert found.digest == digest_of(BODY)
        assert server.seen[0].headers["proxy-authorization"] == "Basic am9lOmh1c2g="
        assert "authorization" not in server.seen[0].headers


def test_tls_goes_through_a_tunnel() -> None:
    with Scripted() as server:
        name = ImageName.parse("secure.test/a:1")
        with pytest.raises(
            RegistryError, match=r'^failed to do request: Get "https://secure\.test/.*": proxyconnect tcp: '
        ):
            through(Proxies(https=f"http://{server.host}")).get_manifest(name)


@pytest.mark.parametrize("proxy", ["socks5://x:1", "http://", "http://[", "http://x:99999"])
def test_a_proxy_that_is_none_shows_no_password(proxy: str) -> None:
    proxy = proxy.replace("//", "//joe:hush@")
    with pytest.raises(RegistryError, match=r"^proxy is not an http:// or https:// URL: ") as caught:
        through(Proxies(http=proxy)).get_manifest(NAME)
    assert "hush" not in str(caught.value)
