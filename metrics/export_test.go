package metrics

import (
	"reflect"

	"github.com/gogns/gns"
)

// MissingFields returns the fields of gns.Metrics, which is t, that no metric depends on.
func MissingFields(t reflect.Type) (missing []string) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		var m gns.Metrics
		v := reflect.ValueOf(&m).Elem().FieldByIndex(f.Index)
		if v.CanInt() {
			v.SetInt(7)
		} else {
			v.SetUint(7)
		}
		shown := false
		for _, fam := range families {
			for _, value := range fam.values {
				shown = shown || value.get(&m) == 7
			}
		}
		if !shown {
			missing = append(missing, f.Name)
		}
	}
	return missing
}
