package lab

import (
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
	"example.com/outagelab/lab/load"
	"example.com/outagelab/pocserver/worker"
)

// mayBeShared are the types that a copy may share, each with the reason.
var mayBeShared = map[reflect.Type]string{
	reflect.TypeFor[*front.Config](): "parsed once: no field and no method changes it",
	reflect.TypeFor[*Progress]():     "it follows the runs of all copies, and has a lock",
	reflect.TypeFor[netip.Addr]():    "its zone is interned, and its methods change nothing",
}

// implementations are what an interface may hold in an experiment; none means that it must be nil there.
var implementations = map[reflect.Type][]any{
	reflect.TypeFor[load.Load]():       {load.Open{}, load.Closed{}},
	reflect.TypeFor[worker.Observer](): nil, // an experiment refuses one of its user's
}

// fill makes every map, slice, pointer and interface that exported fields lead to hold something.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Interface:
		all, known := implementations[v.Type()]
		require.True(t, known, "implementations do not say what a %v holds", v.Type())
		if len(all) > 0 {
			fillAs(t, v, all[0])
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Slice:
		all := implementations[v.Type().Elem()]
		v.Set(reflect.MakeSlice(v.Type(), max(1, len(all)), max(1, len(all))))
		for i := range v.Len() {
			if len(all) > 0 {
				fillAs(t, v.Index(i), all[i])
			} else {
				fill(t, v.Index(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i))
			}
		}
	}
}

func fillAs(t *testing.T, v reflect.Value, as any) {
	t.Helper()
	value := reflect.New(reflect.TypeOf(as)).Elem()
	fill(t, value)
	v.Set(value)
}

// shared are the paths at which two values, equal in form, share a map, a slice or a pointer. It looks at unexported
// fields too.
func shared(path string, a, b reflect.Value) (paths []string) {
	if mayBeShared[a.Type()] != "" {
		return nil
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Chan, reflect.UnsafePointer:
		if !a.IsNil() && a.Pointer() == b.Pointer() {
			paths = append(paths, path)
		}
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !a.IsNil() {
			paths = append(paths, shared(path, a.Elem(), b.Elem())...)
		}
	case reflect.Map:
		for _, key := range a.MapKeys() {
			paths = append(paths, shared(fmt.Sprintf("%s[%v]", path, key), a.MapIndex(key), b.MapIndex(key))...)
		}
	case reflect.Slice, reflect.Array:
		for i := range a.Len() {
			paths = append(paths, shared(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))...)
		}
	case reflect.Struct:
		for i := range a.NumField() {
			paths = append(paths, shared(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))...)
		}
	}
	return paths
}

// A field that is new in an experiment, or in what it holds, is in this test too.
func TestASiblingSharesNothingWithItsRow(t *testing.T) {
	var row Experiment
	fill(t, reflect.ValueOf(&row).Elem())
	row.Sibling = func(*Experiment) {}
	sibling := row.Broken()
	assert.Empty(t, shared("Experiment", reflect.ValueOf(row), reflect.ValueOf(sibling)), "shared with the row")
	row.Sibling, sibling.Sibling = nil, nil
	assert.Equal(t, row, sibling)

	again := shared("Experiment", reflect.ValueOf(row), reflect.ValueOf(row))
	for _, path := range []string{
		"Experiment.System.Front.Hosts", "Experiment.System.Front.Hosts[]", "Experiment.System.Others",
		"Experiment.System.Services", "Experiment.Load", "Experiment.Load[0].Header", "Experiment.Load[1].Header[]",
		"Experiment.Checks", "Experiment.Latencies",
	} {
		assert.Contains(t, again, path, "the test sees what is shared")
	}
}

func TestASiblingChangesItsOwnMaps(t *testing.T) {
	e := outages()[0]
	header := http.Header{"Accept": {"*/*"}}
	e.Load = []load.Load{load.Open{Name: "users", Path: "/", Header: header, Rate: 1, Duration: time.Second}}
	e.System.Front.Hosts = map[string][]netip.Addr{"app": {netip.MustParseAddr("127.0.0.1")}}
	e.Sibling = func(e *Experiment) {
		e.Load[0].(load.Open).Header.Set("Accept", "text/plain")
		e.System.Front.Hosts["app"][0] = netip.MustParseAddr("127.0.0.2")
		e.System.Front.Hosts["db"] = nil
		e.Checks[0].Want = 1
	}
	s := e.Broken()
	assert.Equal(t, "*/*", e.Load[0].(load.Open).Header.Get("Accept"))
	assert.Equal(t, map[string][]netip.Addr{"app": {netip.MustParseAddr("127.0.0.1")}}, e.System.Front.Hosts)
	assert.Equal(t, 8.0, e.Checks[0].Want)
	assert.Equal(t, "text/plain", s.Load[0].(load.Open).Header.Get("Accept"))
	assert.Len(t, s.System.Front.Hosts, 2)
	assert.Equal(t, 1.0, s.Checks[0].Want)
}

func TestACopyHasTheFormOfWhatItCopies(t *testing.T) {
	type node struct {
		Next  *node
		Any   any
		Array [2][]int
		Map   map[string][]int
		kept  []int
	}
	leaf := &node{Any: []int{1}}
	was := node{Next: leaf, Any: leaf, Array: [2][]int{{1}, nil}, Map: map[string][]int{"a": {1}, "b": nil}, kept: []int{1}}
	is := copyOf(reflect.ValueOf(was)).Interface().(node)
	assert.Equal(t, was, is)
	assert.Equal(t, []string{"node.kept"}, shared("node", reflect.ValueOf(was), reflect.ValueOf(is)), "exported fields only")

	row := outages()[0]
	row.System.Front.Config = new(front.Config)
	sibling := row.Broken()
	assert.Same(t, row.System.Front.Config, sibling.System.Front.Config, "it is immutable, and may be large")
}
