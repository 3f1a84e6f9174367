// Graphs that no Dockerfile makes, written with BuildKit's own client library.
//
//	graphs NAME BASE_DIGEST HTTP GIT    an LLB Definition on standard output
//	graphs                              the names, one a line
//
// The base image is the OCI layout "base" of the client, files come from its local folder "context".
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sort"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/llbbuild"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

var (
	base      llb.State
	http, git string
	when      = time.Unix(1500000000, 0)
)

func sh(script string) llb.RunOption { return llb.Args([]string{"/bin/sh", "-euc", script}) }

// gather copies several states into one tree: what a test looks at.
func gather(parts map[string]llb.State) llb.State {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	sort.Strings(names)
	st := llb.Scratch()
	for _, name := range names {
		st = st.File(llb.Copy(parts[name], "/", "/"+name, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}))
	}
	return st
}

var graphs = map[string]func() llb.State{
	"mkfile": func() llb.State {
		return llb.Scratch().File(
			llb.Mkdir("/a/b", 0o750, llb.WithParents(true), llb.WithCreatedTime(when), llb.WithUIDGID(3, 4)).
				Mkfile("/a/b/f", 0o4640, []byte("one\x00\xff"), llb.WithCreatedTime(when), llb.WithUIDGID(1, 2)).
				Mkfile("/a/empty", 0o600, nil).
				Mkdir("/a/c", 0o700).
				Mkfile("/a/b/f", 0o644, []byte("written again"), llb.WithCreatedTime(when)))
	},
	"symlink": func() llb.State {
		return llb.Scratch().File(llb.Mkdir("/d", 0o755).
			Symlink("/nowhere", "/d/absolute", llb.WithCreatedTime(when), llb.WithUIDGID(5, 6)).
			Symlink("../d", "/d/around").
			Symlink("d", "/into").
			Mkfile("/into/file", 0o644, []byte("through a link")))
	},
	"rm": func() llb.State {
		st := llb.Scratch().File(llb.Mkdir("/d/e", 0o755, llb.WithParents(true)).
			Mkfile("/d/a1", 0o644, nil).Mkfile("/d/a2", 0o644, nil).Mkfile("/d/b", 0o644, nil).Mkfile("/d/e/f", 0o644, nil))
		return st.File(llb.Rm("/d/a*", llb.WithAllowWildcard(true)).
			Rm("/d/e").
			Rm("/d/none", llb.WithAllowNotFound(true)).
			Rm("/none/at/all", llb.WithAllowNotFound(true)))
	},
	"rm-refused": func() llb.State { return llb.Scratch().File(llb.Rm("/none")) },
	"users": func() llb.State {
		users := llb.Scratch().File(llb.Mkdir("/etc", 0o755).
			Mkfile("/etc/passwd", 0o644, []byte("root:x:0:0::/:/bin/sh\nu:x:7:8::/:/bin/sh\n")).
			Mkfile("/etc/group", 0o644, []byte("root:x:0:\ng:x:9:\n")))
		return users.File(llb.Mkfile("/f", 0o644, nil, llb.WithUser("u:g")).Mkdir("/d", 0o755, llb.WithUser("u")).
			Copy(llb.Local("context"), "/tree/a.txt", "/copied", llb.WithUser("u:g")))
	},
	"copy": func() llb.State {
		ctx := llb.Local("context")
		make := func(src, dest string, info llb.CopyInfo) llb.State {
			info.CreateDestPath = true
			return llb.Scratch().File(llb.Copy(ctx, src, dest, &info))
		}
		none := make("/none*", "/x", llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true}).File(llb.Mkfile("/k", 0o644, nil))
		return gather(map[string]llb.State{
			"plain":    make("/tree", "/x", llb.CopyInfo{}),
			"contents": make("/tree", "/x", llb.CopyInfo{CopyDirContentsOnly: true}),
			"into":     llb.Scratch().File(llb.Mkdir("/x", 0o700)).File(llb.Copy(ctx, "/tree", "/x")),
			"merged":   llb.Scratch().File(llb.Mkdir("/x", 0o700)).File(llb.Copy(ctx, "/tree", "/x", &llb.CopyInfo{CopyDirContentsOnly: true})),
			"stars":    make("/tree/*.txt", "/x/", llb.CopyInfo{AllowWildcard: true}),
			"nothing":  none,
			"include":  make("/tree", "/x", llb.CopyInfo{IncludePatterns: []string{"**/*.txt"}}),
			"exclude":  make("/tree", "/x", llb.CopyInfo{ExcludePatterns: []string{"sub", "!sub/b.txt"}}),
			"follow":   make("/tree/link", "/x", llb.CopyInfo{FollowSymlinks: true}),
			"unfollow": make("/tree/link", "/x", llb.CopyInfo{}),
			"mode":     make("/tree", "/x", llb.CopyInfo{Mode: &llb.ChmodOpt{ModeStr: "u=rwX,go="}, CreatedTime: &when}),
			"octal":    make("/tree/a.txt", "/x", llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o2711}}),
			"unpack":   make("/a.tar.gz", "/x/", llb.CopyInfo{AttemptUnpack: true, CreatedTime: &when}),
			"replace": llb.Scratch().File(llb.Mkdir("/x/a.txt/deep", 0o755, llb.WithParents(true))).
				File(llb.Copy(ctx, "/tree", "/x", &llb.CopyInfo{CopyDirContentsOnly: true, AlwaysReplaceExistingDestPaths: true})),
		})
	},
	"required": func() llb.State {
		return llb.Scratch().File(llb.Copy(llb.Local("context"), "/tree", "/x",
			&llb.CopyInfo{RequiredPaths: []string{"/tree/a.txt"}, IncludePatterns: []string{"a.txt"}}))
	},
	"required-missing": func() llb.State {
		return llb.Scratch().File(llb.Copy(llb.Local("context"), "/tree", "/x",
			&llb.CopyInfo{RequiredPaths: []string{"/tree/none"}, IncludePatterns: []string{"a.txt"}}))
	},
	"copy-in-op": func() llb.State {
		made := llb.Scratch().File(llb.Mkfile("/one", 0o644, []byte("1")))
		inner := llb.Mkfile("/inner", 0o600, []byte("2")).WithState(llb.Scratch())
		return llb.Scratch().File(llb.Copy(made, "/one", "/a").Copy(inner, "/inner", "/b"))
	},
	"merge": func() llb.State {
		a := llb.Scratch().File(llb.Mkdir("/d", 0o700).Mkfile("/d/a", 0o644, []byte("a")).Mkfile("/both", 0o600, []byte("first")))
		b := llb.Scratch().File(llb.Mkdir("/d", 0o755).Mkfile("/d/b", 0o644, []byte("b")).Mkfile("/both", 0o644, []byte("second")))
		return llb.Merge([]llb.State{llb.Scratch(), a, b, llb.Scratch()})
	},
	"diff": func() llb.State {
		lower := base.File(llb.Mkdir("/d/gone", 0o755, llb.WithParents(true)).Mkfile("/d/kept", 0o644, []byte("k")).Mkfile("/d/f", 0o644, []byte("f")))
		upper := lower.Run(sh("rm -r /d/gone; chmod 600 /d/f; echo new > /d/new; mknod /d/null c 1 3; ln /d/new /d/hard")).Root()
		return gather(map[string]llb.State{
			"alone": llb.Diff(lower, upper),
			"on":    llb.Merge([]llb.State{llb.Scratch().File(llb.Mkdir("/d/gone/x", 0o755, llb.WithParents(true)).Mkfile("/d/other", 0o644, nil)), llb.Diff(lower, upper)}),
			"none":  llb.Diff(upper, upper).File(llb.Mkfile("/k", 0o644, nil)),
			"all":   llb.Diff(llb.Scratch(), llb.Scratch().File(llb.Mkfile("/only", 0o644, []byte("o")))),
			"apart": llb.Diff(llb.Scratch().File(llb.Mkfile("/x", 0o644, []byte("x"))), llb.Scratch().File(llb.Mkfile("/y", 0o644, []byte("y")))),
		})
	},
	"exec-outputs": func() llb.State {
		run := base.Run(sh("echo one > /one/f; echo two > /two/f; cat /seed/f > /seed/g; echo root > /root-file; (echo no > /ro/x) 2>/dev/null || echo refused > /one/refused"))
		one := run.AddMount("/one", llb.Scratch())
		two := run.AddMount("/two", llb.Scratch().File(llb.Mkdir("/kept", 0o700)))
		seed := run.AddMount("/seed", llb.Scratch().File(llb.Mkfile("/f", 0o644, []byte("seed"))))
		run.AddMount("/ro", llb.Scratch(), llb.Readonly)
		return gather(map[string]llb.State{
			"one": one, "two": two, "seed": seed,
			"root": llb.Scratch().File(llb.Copy(run.Root(), "/root-file", "/root-file")),
		})
	},
	"exec-settings": func() llb.State {
		st := base.AddEnv("A", "b c").Dir("/work/dir").User("12:34").Hostname("inside").AddExtraHost("db", net.ParseIP("192.0.2.7")).
			AddUlimit(llb.UlimitNofile, 100, 120)
		run := st.Run(sh("(pwd; id -u; id -g; hostname; grep db /etc/hosts; ulimit -n; ulimit -Hn; echo $A) > /out/w/all"))
		return run.AddMount("/out", llb.Scratch().File(llb.Mkdir("/w", 0o777)))
	},
	"exec-exit-codes": func() llb.State {
		return base.Run(sh("echo kept > /out/kept; exit 3"), llb.ValidExitCodes(3, 4)).AddMount("/out", llb.Scratch())
	},
	"exec-exit-code-refused": func() llb.State {
		return base.Run(sh("exit 0"), llb.ValidExitCodes(3)).AddMount("/out", llb.Scratch())
	},
	"exec-read-only": func() llb.State {
		run := base.Run(sh("(echo x > /x) 2>/dev/null || echo refused > /out/refused"), llb.ReadonlyRootFS())
		return run.AddMount("/out", llb.Scratch())
	},
	"exec-mounts": func() llb.State {
		run := base.Run(sh(`ls -A /t > /out/tmpfs; df -k /t | tail -1 | awk '{print $2}' >> /out/tmpfs
echo cached > /c/x; cat /bind/f > /out/bind; sha256sum < /run/s > /out/secret; stat -c '%u:%g %a' /run/s >> /out/secret; echo "$TOKEN" | sha256sum >> /out/secret`),
			llb.AddMount("/t", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(1<<20))),
			llb.AddMount("/c", llb.Scratch(), llb.AsPersistentCacheDir("graphs", llb.CacheMountLocked)),
			llb.AddMount("/bind", llb.Scratch().File(llb.Mkdir("/in", 0o755).Mkfile("/in/f", 0o644, []byte("bound"))), llb.SourcePath("/in"), llb.Readonly),
			llb.AddSecret("/run/s", llb.SecretID("key"), llb.SecretFileOpt(1, 2, 0o440)),
			llb.AddSecret("TOKEN", llb.SecretID("key"), llb.SecretAsEnv(true)))
		return run.AddMount("/out", llb.Scratch())
	},
	"exec-network": func() llb.State {
		run := base.Network(pb.NetMode_NONE).Run(sh("ls /sys/class/net > /out/names"))
		return run.AddMount("/out", llb.Scratch())
	},
	"http": func() llb.State {
		sum := digest.FromString("fetched\n")
		return gather(map[string]llb.State{
			"plain": llb.HTTP(http + "/file.txt"),
			"asked": llb.HTTP(http+"/file.txt", llb.Filename("other"), llb.Chmod(0o640), llb.Chown(3, 4), llb.Checksum(sum)),
		})
	},
	"git": func() llb.State {
		return gather(map[string]llb.State{
			"head": llb.Git(git+"/repo.git", ""),
			"sub":  llb.Git(git+"/repo.git", "", llb.GitRef("v1"), llb.GitSubDir("sub")),
		})
	},
	"local": func() llb.State {
		return gather(map[string]llb.State{
			"include": llb.Local("context", llb.IncludePatterns([]string{"tree/*.txt"})),
			"exclude": llb.Local("context", llb.ExcludePatterns([]string{"tree/sub", "*.gz"})),
			"follow":  llb.Local("context", llb.FollowPaths([]string{"tree/link"})),
		})
	},
	"nested": func() llb.State {
		inner, err := llb.Scratch().File(llb.Mkfile("/inner", 0o644, []byte("of a graph in a graph"))).Marshal(context.Background())
		check(err)
		bytes, err := inner.ToPB().MarshalVT()
		check(err)
		holder := llb.Scratch().File(llb.Mkfile("/def.pb", 0o644, bytes))
		return holder.With(llbbuild.Build(llbbuild.WithFilename("/def.pb")))
	},
	"passthrough": func() llb.State {
		a := llb.Scratch().File(llb.Mkfile("/a", 0o644, []byte("a")))
		b := llb.Scratch().File(llb.Mkfile("/b", 0o644, []byte("b")))
		return llb.NewPassthrough("pass", []llb.PassthroughInput{{State: a}, {State: b, Output: true}})
	},
	"many": func() llb.State {
		st := base
		for i := 0; i < 40; i++ {
			st = st.File(llb.Mkfile(fmt.Sprintf("/f%d", i), 0o644, []byte{byte(i)}))
		}
		run := st.Run(sh("ls -d /f* | wc -l > /out/count"))
		return run.AddMount("/out", llb.Scratch())
	},
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) == 1 {
		for name := range graphs {
			fmt.Println(name)
		}
		return
	}
	base = llb.OCILayout("example.com/base@"+os.Args[2], llb.OCIStore("", "base"))
	http, git = os.Args[3], os.Args[4]
	def, err := graphs[os.Args[1]]().Marshal(context.Background(), llb.LinuxAmd64)
	check(err)
	check(llb.WriteTo(def, os.Stdout))
}
