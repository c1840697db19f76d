module github.com/gogns/gns/interop

go 1.25.0

require (
	github.com/ebitengine/purego v0.11.3
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.42.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/flynn/noise v1.1.0 // indirect
	golang.org/x/crypto v0.49.0 // indirect
)

require (
	github.com/gogns/gns v0.0.0-00010101000000-000000000000
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/gogns/gns => ../
