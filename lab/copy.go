// A deep copy of an experiment.

package lab

import (
	"reflect"

	"example.com/outagelab/feedsim/front"
)

// immutable are the types whose pointers a copy shares: what they point to does not change, or is meant for many runs.
var immutable = map[reflect.Type]bool{
	reflect.TypeFor[*front.Config](): true, // it has no exported field, and no method that changes it
	reflect.TypeFor[*Progress]():     true, // it follows all runs, and has a lock
}

// deepCopy returns a copy of e that shares no map, slice or pointer with it, so that what changes the copy leaves e as
// it is. Funcs and what they close over are shared. It follows exported fields only.
func deepCopy(e *Experiment) Experiment {
	return copyOf(reflect.ValueOf(e).Elem()).Interface().(Experiment)
}

func copyOf(v reflect.Value) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !immutable[v.Type()] {
			to.Set(reflect.New(v.Type().Elem()))
			to.Elem().Set(copyOf(v.Elem()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			to.Set(copyOf(v.Elem()))
		}
	case reflect.Map:
		if !v.IsNil() {
			to.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for all := v.MapRange(); all.Next(); {
				to.SetMapIndex(all.Key(), copyOf(all.Value()))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			to.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				to.Index(i).Set(copyOf(v.Index(i)))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			to.Index(i).Set(copyOf(v.Index(i)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				to.Field(i).Set(copyOf(v.Field(i)))
			}
		}
	}
	return to
}
