// Converts Dockerfiles with the reference frontend's own converter, so that compile.py has something to compare with.
//
//	stdin   one Dockerfile a line, base64
//	stdout  nanoseconds for each, and whether it was refused: "812345 ok", "90123 refused"
//
// Base images resolve without a network: every reference has the digest of its own text and a small config.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const config = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["/bin/sh"]},` +
	`"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}`

type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(config), nil
}

func convert(dockerfile []byte) error {
	caps := pb.Caps.CapSet(pb.Caps.All())
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	result, err := dockerfile2llb.Dockerfile2LLB(context.Background(), dockerfile, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildPlatforms: []ocispecs.Platform{platform}},
		MetaResolver:   offline{},
		TargetPlatform: &platform,
		LLBCaps:        (*apicaps.CapSet)(&caps),
		SourceMap:      llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", dockerfile),
	})
	if err != nil {
		return err
	}
	definition, err := result.State.Marshal(context.Background(), llb.WithCaps(caps))
	if err != nil {
		return err
	}
	_, err = definition.ToPB().MarshalVT()
	return err
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		dockerfile, err := base64.StdEncoding.DecodeString(in.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		start := time.Now()
		verdict := "ok"
		if convert(dockerfile) != nil {
			verdict = "refused"
		}
		fmt.Println(time.Since(start).Nanoseconds(), verdict)
	}
}
