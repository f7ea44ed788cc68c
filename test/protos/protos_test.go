// Package protos checks that the committed code in gen/ is what proto/ says, so
// that neither a build nor CI needs buf.
package protos

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/drover-db/drover/gen/drover/journal/v1"
	_ "github.com/drover-db/drover/gen/drover/plan/v1"
	_ "github.com/drover-db/drover/gen/drover/stream/v1"
	_ "github.com/drover-db/drover/gen/drover/v1"
	_ "github.com/drover-db/drover/gen/drover/worker/v1"
)

const root = "../../proto"

// sources lists the proto files as imports write them.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".proto" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("proto files below %s: %v, %v", root, files, err)
	}
	return files
}

// plain is a file's descriptor without what only the generator sets, its options
// read again so that both origins hold extensions alike.
func plain(t *testing.T, d protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	t.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(d))
	if err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(raw, file); err != nil {
		t.Fatal(err)
	}
	file.Options, file.SourceCodeInfo = nil, nil
	return file
}

func TestGen_IsWhatProtoSays(t *testing.T) {
	files := sources(t)
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(
		&protocompile.SourceResolver{ImportPaths: []string{root, "../../third_party/proto"}})}
	compiled, err := compiler.Compile(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range compiled {
		got, err := protoregistry.GlobalFiles.FindFileByPath(want.Path())
		if err != nil {
			t.Errorf("%s has no generated code (run make gen): %v", want.Path(), err)
			continue
		}
		if diff := cmp.Diff(plain(t, want), plain(t, got), protocmp.Transform()); diff != "" {
			t.Errorf("%s and its generated code differ (run make gen; - proto, + gen):\n%s", want.Path(), diff)
		}
	}
}

func TestGen_HasNoFileWithoutProto(t *testing.T) {
	known := map[string]bool{}
	for _, f := range sources(t) {
		known[f] = true
	}
	protoregistry.GlobalFiles.RangeFiles(func(d protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(d.Path(), "drover/") && !known[d.Path()] {
			t.Errorf("generated code of %s is left over (run make gen)", d.Path())
		}
		return true
	})
}
