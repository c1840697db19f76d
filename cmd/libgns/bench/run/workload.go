package main

// workload is what is compared.
type workload struct {
	name       string
	args       []string
	pairs      []pair
	speed, cpu string // units of its figures
	figures    func(client, server *result) figures
}

// side is a program of a pair.
type side int

const (
	inGo    side = iota
	inC          // which has no way to wait but Poll
	polling      // Go, with Wait and a poll group as C has them
)

func (s side) String() string { return [...]string{"Go", "C", "Go polling"}[s] }

// pair is a client and a server.
type pair struct{ client, server side }

func (p pair) String() string { return p.client.String() + " to " + p.server.String() }

// figures are what a run came to. Less is better in cpu, and in speed where it is a time.
type figures struct{ speed, cpu float64 }

var streams = []pair{{inGo, inGo}, {inC, inC}, {inC, inGo}, {inGo, inC}}

var workloads = []*workload{
	{name: "w1", args: []string{"-w", "w1"}, pairs: streams, speed: "MB/s", cpu: "s/GB", figures: bulk},
	{name: "w2", args: []string{"-w", "w2"}, pairs: streams, speed: "messages/s", cpu: "us/message", figures: small},
	{name: "w2/1", args: []string{"-w", "w2", "-batch", "1"}, pairs: streams, speed: "messages/s", cpu: "us/message", figures: small},
	{name: "w3", args: []string{"-w", "w3"}, pairs: streams, speed: "messages/s", cpu: "us/message", figures: small},
	{name: "w3/1", args: []string{"-w", "w3", "-batch", "1"}, pairs: streams, speed: "messages/s", cpu: "us/message", figures: small},
	{name: "w4", args: []string{"-w", "w4"}, pairs: []pair{{polling, polling}, {inC, inC}, {inC, polling}, {polling, inC}, {inGo, inGo}},
		speed: "us p50", cpu: "us/round", figures: rounds},
}

func bulk(client, server *result) figures {
	gb := float64(server.Bytes) / 1e9
	return figures{speed: gb * 1e3 / server.Wall, cpu: (client.cpu() + server.cpu()) / gb}
}

func small(client, server *result) figures {
	n := float64(server.Messages)
	return figures{speed: n / server.Wall, cpu: (client.cpu() + server.cpu()) * 1e6 / n}
}

func rounds(client, server *result) figures {
	return figures{speed: client.P50, cpu: (client.cpu() + server.cpu()) * 1e6 / float64(client.Messages)}
}
