module github.com/gogns/gns/interop

go 1.25.0

require (
	github.com/ebitengine/purego v0.11.3
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.42.0
	google.golang.org/protobuf v1.36.12
)

require filippo.io/edwards25519 v1.2.0 // indirect

require (
	github.com/gogns/gns v0.0.0-00010101000000-000000000000
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/gogns/gns => ../
