package metrics_test

import (
	"context"
	"encoding/json"
	"expvar"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/metrics"
	"github.com/stretchr/testify/require"
)

var _ expvar.Var = (*metrics.Set)(nil)

// traffic returns a server that has received one message of 5 bytes.
func traffic(t *testing.T) (client, server *gns.Sockets) {
	t.Helper()
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Sockets().Close() })
	ctx := context.Background()
	received := make(chan error, 1)
	go func() {
		c, err := l.Accept(ctx)
		if err == nil {
			_, err = c.Receive(ctx)
		}
		received <- err
	}()
	c, err := gns.Dial(ctx, l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Sockets().Close() })
	require.NoError(t, c.Send([]byte("hello"), gns.SendReliableNoNagle))
	require.NoError(t, <-received)
	return c.Sockets(), l.Sockets()
}

func get(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	res, err := http.Get(srv.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", res.Header.Get("Content-Type"))
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// Every line of the text format, https://prometheus.io/docs/instrumenting/exposition_formats/.
var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-z_]+) .+\.$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-z_]+) (gauge|counter)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+)\{sockets="((?:[^"\\]|\\.)*)"(,[a-z]+="[a-z]+")?\} (\d+)$`)
)

func TestPrometheusText(t *testing.T) {
	client, server := traffic(t)
	var set metrics.Set
	set.Add("client", client)
	set.Add(`ser"ver\`+"\n", server)
	text := get(t, &set)

	family, samples := "", make(map[string]uint64)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case helpLine.MatchString(line):
			family = helpLine.FindStringSubmatch(line)[1]
		case typeLine.MatchString(line):
			m := typeLine.FindStringSubmatch(line)
			require.Equal(t, family, m[1], "HELP comes with TYPE")
			require.Equal(t, m[2] == "counter", strings.HasSuffix(family, "_total"), "%s is a %s", family, m[2])
		default:
			m := sampleLine.FindStringSubmatch(line)
			require.NotNil(t, m, "line %q", line)
			require.Equal(t, family, m[1], "samples follow their TYPE")
			series, number, _ := strings.Cut(line, "} ")
			require.NotContains(t, samples, series, "twice")
			n, err := strconv.ParseUint(number, 10, 64)
			require.NoError(t, err)
			samples[series+"}"] = n
		}
	}
	require.EqualValues(t, 1, samples[`gns_connections{sockets="client",state="connected"}`])
	require.EqualValues(t, 1, samples[`gns_listen_sockets{sockets="ser\"ver\\\n"}`])
	require.EqualValues(t, 1, samples[`gns_messages_total{sockets="client",direction="out"}`])
	require.EqualValues(t, 5, samples[`gns_message_bytes_total{sockets="ser\"ver\\\n",direction="in"}`])
	require.EqualValues(t, 1, samples[`gns_connections_begun_total{sockets="client",direction="out"}`])
	require.Positive(t, samples[`gns_bytes_total{sockets="client",direction="in"}`])

	set.Remove("client")
	require.NotContains(t, get(t, &set), `"client"`)
}

// Whatever gns counts is shown: a field that is set to something reaches the text.
func TestEveryFieldIsShown(t *testing.T) {
	require.Empty(t, metrics.MissingFields(reflect.TypeFor[gns.Metrics]()))
}

func TestExpvar(t *testing.T) {
	client, server := traffic(t)
	var set metrics.Set
	require.JSONEq(t, "{}", set.String())
	set.Add("a", client)
	set.Add("b", server)
	var all map[string]map[string]uint64
	require.NoError(t, json.Unmarshal([]byte(set.String()), &all))
	require.EqualValues(t, 1, all["a"]["MessagesSent"])
	require.EqualValues(t, 1, all["b"]["Connected"])

	total := set.Total()
	require.Equal(t, 2, total.Connected)
	require.EqualValues(t, 1, total.ConnectionsIn)
	require.EqualValues(t, 1, total.ConnectionsOut)
}
