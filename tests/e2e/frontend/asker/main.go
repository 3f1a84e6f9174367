// What buildctl cannot ask of a frontend, asked with BuildKit's own client library.
//
//	asker ADDRESS < jobs > answers      a job a line, in JSON; an answer a line, when it is there
//
// A job is solved by a frontend as another frontend would have it solved: with graphs as inputs, without an exporter. Its answer
// holds everything that came of it: keys of the result, attestations, every graph op by op, files, the error with its places.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type job struct {
	ID       int
	Frontend string
	Options  map[string]string
	Locals   map[string]string // folder of each name
	Inputs   map[string]input
	Evaluate bool
	Read     bool   // the files of every result
	LeaveAt  string // part of the name of a step: once it is begun, the client is gone
}

// input is a graph: files, or what another job comes to.
type input struct {
	Files    map[string]string
	Job      *job
	Metadata bool   // told to the frontend, too
	Platform string // of the job's results
}

type answer struct {
	ID           int
	Error        string              `json:",omitempty"`
	Code         string              `json:",omitempty"`
	Places       []string            `json:",omitempty"` // what a client prints of the error
	Metadata     map[string]string   `json:",omitempty"`
	Refs         map[string]result   `json:",omitempty"` // a single one has no name
	Attestations map[string][]string `json:",omitempty"`
	Warnings     []string            `json:",omitempty"`
	Left         float64             `json:",omitempty"` // seconds from leaving to the end
}

type result struct {
	Graph []string
	Files map[string]string `json:",omitempty"`
}

func main() {
	c, err := client.New(context.Background(), os.Args[1])
	check(err)
	lines, out, all := bufio.NewReaderSize(os.Stdin, 1<<20), json.NewEncoder(os.Stdout), sync.WaitGroup{}
	var one sync.Mutex
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var j job
		check(json.Unmarshal(line, &j))
		all.Add(1)
		go func() {
			defer all.Done()
			a := ask(c, &j)
			one.Lock()
			defer one.Unlock()
			check(out.Encode(a))
		}()
	}
	all.Wait()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(c *client.Client, j *job) *answer {
	a := &answer{ID: j.ID}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	opt := client.SolveOpt{LocalMounts: map[string]fsutil.FS{}}
	mount(opt.LocalMounts, j)
	status, heard := make(chan *client.SolveStatus), make(chan time.Time, 1)
	go listen(status, j, a, leave, heard)
	_, err := c.Build(ctx, opt, "", func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		res, err := solve(ctx, gw, j)
		if err == nil {
			err = a.fill(ctx, res, j.Read)
		}
		return gateway.NewResult(), err
	}, status)
	if left := <-heard; !left.IsZero() {
		a.Left = time.Since(left).Seconds()
	}
	if err != nil {
		a.fail(err)
	}
	return a
}

func mount(mounts map[string]fsutil.FS, j *job) {
	for name, folder := range j.Locals {
		fs, err := fsutil.NewFS(folder)
		check(err)
		mounts[name] = fs
	}
	for _, in := range j.Inputs {
		if in.Job != nil {
			mount(mounts, in.Job)
		}
	}
}

// listen collects warnings, and leaves when it is time.
func listen(status chan *client.SolveStatus, j *job, a *answer, leave func(), heard chan time.Time) {
	var left time.Time
	for s := range status {
		for _, v := range s.Vertexes {
			if j.LeaveAt != "" && left.IsZero() && v.Started != nil && strings.Contains(v.Name, j.LeaveAt) {
				left = time.Now()
				leave()
			}
		}
		for _, w := range s.Warnings {
			text, err := json.Marshal(w)
			check(err)
			var said map[string]any
			check(json.Unmarshal(text, &said))
			delete(said, "Vertex")
			text, err = json.Marshal(said)
			check(err)
			a.Warnings = append(a.Warnings, string(text))
		}
	}
	heard <- left
}

func solve(ctx context.Context, gw gateway.Client, j *job) (*gateway.Result, error) {
	req := gateway.SolveRequest{
		Frontend: j.Frontend, FrontendOpt: map[string]string{}, Evaluate: j.Evaluate, FrontendInputs: map[string]*pb.Definition{},
	}
	for name, value := range j.Options {
		req.FrontendOpt[name] = value
	}
	for name, in := range j.Inputs {
		def, metadata, err := in.graph(ctx, gw)
		if err != nil {
			return nil, err
		}
		req.FrontendInputs[name] = def
		if in.Metadata {
			text, err := json.Marshal(metadata)
			check(err)
			req.FrontendOpt["input-metadata:"+name] = string(text)
		}
	}
	return gw.Solve(ctx, req)
}

func (in *input) graph(ctx context.Context, gw gateway.Client) (*pb.Definition, map[string][]byte, error) {
	st, metadata := llb.Scratch(), map[string][]byte{}
	if in.Job != nil {
		res, err := solve(ctx, gw, in.Job)
		if err != nil {
			return nil, nil, err
		}
		ref, ok := res.Ref, true
		if in.Platform != "" {
			ref, ok = res.FindRef(in.Platform)
		}
		if !ok || ref == nil {
			return nil, nil, fmt.Errorf("no result for %q", in.Platform)
		}
		if st, err = ref.ToState(); err != nil {
			return nil, nil, err
		}
		for key, value := range res.Metadata {
			if name, platform, found := strings.Cut(key, "/"); !found || platform == in.Platform {
				metadata[name] = value
			}
		}
	}
	for _, name := range sorted(in.Files) {
		st = st.File(llb.Mkfile(name, 0o644, []byte(in.Files[name]), llb.WithCreatedTime(time.Unix(1500000000, 0))))
	}
	def, err := st.Marshal(ctx)
	if err != nil {
		return nil, nil, err
	}
	return def.ToPB(), metadata, nil
}

func (a *answer) fail(err error) {
	a.Error, a.Code = err.Error(), grpcerrors.Code(err).String()
	for _, source := range errdefs.Sources(err) {
		var text bytes.Buffer
		if source.Print(&text) == nil {
			a.Places = append(a.Places, text.String())
		}
	}
}

func (a *answer) fill(ctx context.Context, res *gateway.Result, read bool) error {
	a.Metadata, a.Refs, a.Attestations = map[string]string{}, map[string]result{}, map[string][]string{}
	for key, value := range res.Metadata {
		a.Metadata[key] = string(value)
	}
	refs := map[string]gateway.Reference{}
	for name, ref := range res.Refs {
		refs[name] = ref
	}
	if res.Ref != nil {
		refs[""] = res.Ref
	}
	for name, ref := range refs {
		found := result{}
		st, err := ref.ToState()
		if err != nil {
			return err
		}
		def, err := st.Marshal(ctx)
		if err != nil {
			return err
		}
		found.Graph = graph(def.ToPB())
		if read {
			found.Files = map[string]string{}
			if err := files(ctx, ref, "/", found.Files); err != nil {
				return err
			}
		}
		a.Refs[name] = found
	}
	for name, all := range res.Attestations {
		for _, one := range all {
			text := fmt.Sprintf("%s %s %v %s", one.Kind, one.Path, one.InToto, one.Metadata)
			a.Attestations[name] = append(a.Attestations[name], text)
		}
	}
	return nil
}

func files(ctx context.Context, ref gateway.Reference, folder string, found map[string]string) error {
	entries, err := ref.ReadDir(ctx, gateway.ReadDirRequest{Path: folder})
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := strings.TrimSuffix(folder, "/") + "/" + entry.Path
		stat, err := ref.StatFile(ctx, gateway.StatRequest{Path: path})
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%v %d:%d %s", os.FileMode(entry.Mode), entry.Uid, entry.Gid, entry.Linkname)
		switch mode := os.FileMode(entry.Mode); {
		case mode.IsRegular():
			data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: path})
			if err != nil {
				return err
			}
			if stat.Mode != entry.Mode || stat.Size != int64(len(data)) {
				return fmt.Errorf("%s is told in two ways", path)
			}
			what += " " + digest.FromBytes(data).String()
		case mode.IsDir():
			if err := files(ctx, ref, path, found); err != nil {
				return err
			}
		}
		found[path] = what
	}
	return nil
}

// graph is a definition as text, an op a line, without what is drawn by chance.
func graph(def *pb.Definition) []string {
	ops, order, lines := map[string]*pb.Op{}, map[string]int{}, []string{}
	var last string
	for _, data := range def.Def {
		op := &pb.Op{}
		check(op.UnmarshalVT(data))
		last = digest.FromBytes(data).String()
		ops[last] = op
	}
	var visit func(name string)
	visit = func(name string) {
		op, known := ops[name]
		if _, seen := order[name]; seen || !known {
			return
		}
		for _, in := range op.Inputs {
			visit(in.Digest)
		}
		order[name] = len(order)
		lines = append(lines, shown(def, name, op, order))
	}
	visit(last)
	return lines
}

func shown(def *pb.Definition, name string, op *pb.Op, order map[string]int) string {
	inputs := []string{}
	for _, in := range op.Inputs {
		inputs = append(inputs, fmt.Sprintf("%d:%d", order[in.Digest], in.Index))
	}
	op.Inputs = nil
	if source := op.GetSource(); source != nil {
		delete(source.Attrs, "local.unique")
		delete(source.Attrs, "local.session")
	}
	said := []any{order[name], inputs, compact(op)}
	if about := def.Metadata[name]; about != nil {
		if about.ProgressGroup != nil {
			about.ProgressGroup.Id = ""
		}
		said = append(said, compact(about))
	}
	if def.Source != nil {
		for _, at := range def.Source.Locations[name].GetLocations() {
			info := def.Source.Infos[at.SourceIndex]
			said = append(said, info.Filename, info.Language, digest.FromBytes(info.Data), fmt.Sprint(at.Ranges))
		}
	}
	text, err := json.Marshal(said)
	check(err)
	return string(text)
}

// compact is Protobuf's JSON without its spaces, which are drawn by chance.
func compact(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	check(err)
	var out bytes.Buffer
	check(json.Compact(&out, text))
	return out.Bytes()
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
