"""What BuildKit can do, by name: the capabilities of graphs that are known here, and those of a daemon that names none.

A daemon lists what it can do in its answer to Ping; whatever it does not list it cannot do. BuildKit: solver/pb/caps.go,
frontend/gateway/pb/caps.go.
"""

from __future__ import annotations

from dockerfile_frontend.gateway.messages import Cap

_KNOWN = """
constraints diffop exec.cgroup exec.mount.bind exec.mount.bind.readwrite-nooutput exec.mount.cache exec.mount.cache.content
exec.mount.cache.sharing exec.mount.secret exec.mount.selector exec.mount.ssh exec.mount.tmpfs exec.mount.tmpfs.size
exec.meta.base exec.meta.cdi exec.meta.cgroup.parent exec.meta.linux.resources exec.meta.network exec.meta.proxyenv
exec.meta.removemountstubs.recursive exec.meta.security exec.meta.security.devices.v1 exec.meta.setsdefaultpath
exec.meta.ulimit exec.secretenv exec.validexitcode file.base file.copy.alwaysreplaceexistingdestpaths
file.copy.includeexcludepatterns file.copy.modestring file.copy.requiredpaths file.rm.nofollowsymlink file.rm.wildcard
file.symlink.create mergeop meta.description meta.exportcache meta.ignorecache passthroughop platform source.buildop.llbfilename
source.git source.git.checksum source.git.fetchbycommit source.git.fullurl source.git.httpauth source.git.keepgitdir
source.git.knownsshhosts source.git.mountsshsock source.git.mtime source.git.skipsubmodules source.git.subdir source.http
source.http.checksum source.http.perm source.image source.image.checksum source.image.layerlimit source.image.resolvemode
source.local source.local.differ source.local.excludepatterns source.local.followpaths source.local.includepatterns
source.local.metadatatransfer source.local.sessionid source.local.sharedkeyhint source.local.unique source.ocilayout
"""
LLB_CAPS = tuple(_KNOWN.split())

DEFAULT_CAPS = tuple(
    Cap(name, enabled=True) for name in ("solve.base", "solve.inlinereturn", "resolveimage", "readfile")
)
"""Of LLBBridge before it listed any: 2018."""

_OLD = """
source.image source.local source.local.unique source.local.sessionid source.local.includepatterns source.local.followpaths
source.local.excludepatterns source.local.sharedkeyhint source.git source.git.keepgitdir source.git.fullurl source.http
source.http.checksum source.http.perm source.buildop.llbfilename exec.meta.base exec.meta.proxyenv exec.mount.bind
exec.mount.cache exec.mount.cache.sharing exec.mount.selector exec.mount.tmpfs exec.mount.secret constraints platform
meta.ignorecache meta.description meta.exportcache
"""
DEFAULT_LLB_CAPS = tuple(Cap(name, enabled=True) for name in _OLD.split())
"""Of graphs, the same."""
