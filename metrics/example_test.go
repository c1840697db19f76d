package metrics_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gogns/gns"
	"github.com/gogns/gns/metrics"
)

// A Sockets that Prometheus can watch. The same Set can be given to expvar.Publish.
func Example() {
	s, err := gns.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	var set metrics.Set
	set.Add("game", s)
	http.Handle("/metrics", &set)

	rec := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range strings.Split(rec.Body.String(), "\n")[:3] {
		fmt.Println(line)
	}
	// Output:
	// # HELP gns_connections Connections by state.
	// # TYPE gns_connections gauge
	// gns_connections{sockets="game",state="connecting"} 0
}
