module github.com/gogns/gns/bench

go 1.25.0

require (
	github.com/ebitengine/purego v0.11.3
	github.com/gogns/gns/interop v0.0.0-00010101000000-000000000000
	github.com/quic-go/quic-go v0.61.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/gogns/gns v0.0.0-00010101000000-000000000000 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/gogns/gns => ../

replace github.com/gogns/gns/interop => ../interop
