"""Leads connections to AWS host names to the gateway. Python imports it by itself, before the program.

Every client asks socket.getaddrinfo for an address, so that is where the gateway's is given instead. The TLS server name and
the Host header stay what the client asked for; for these names the gateway's local authority is trusted in addition.
Neither socket nor ssl is imported here: a program that needs them pays for them.
"""

import os
import sys

_address, _, _port = os.environ.get("SOCKGATE_REDIRECT", "").rpartition(":")
_address = _address.strip("[]")
_authority = os.environ.get("SOCKGATE_REDIRECT_CA", "")


def _led(host):
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    host = host.rstrip(".").lower()
    return (
        ("." + host).endswith((".amazonaws.com", ".amazonaws.com.cn"))
        or host.endswith(".localhost")
        and ".execute-api." in host
    )


def _ours(host):
    return _led(host) or host == _address or host == "localhost" or str(host).endswith(".localhost")


def _patch_socket(socket):
    original = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if _led(host):
            return original(_address, int(_port), *args, **kwargs)
        return original(host, port, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def _patch_ssl(ssl):
    def trusting(original):
        def wrap(self, *args, **kwargs):
            if _ours(kwargs.get("server_hostname")) and self.verify_mode != ssl.CERT_NONE:
                self.load_verify_locations(cafile=_authority)
            return original(self, *args, **kwargs)

        return wrap

    ssl.SSLContext.wrap_socket = trusting(ssl.SSLContext.wrap_socket)
    ssl.SSLContext.wrap_bio = trusting(ssl.SSLContext.wrap_bio)


class _Finder:
    """Lets modules be found as usual, and changes the two that matter once they are loaded."""

    def __init__(self, patches):
        self.patches = patches

    def find_spec(self, name, path=None, target=None):
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            patch(module)

        spec.loader.exec_module = exec_module
        return spec


if _address and _port.isdigit():
    _patches = {"socket": _patch_socket}
    if _authority:
        _patches["ssl"] = _patch_ssl
    for _name in list(_patches):
        if _name in sys.modules:
            _patches.pop(_name)(sys.modules[_name])
    sys.meta_path.insert(0, _Finder(_patches))
