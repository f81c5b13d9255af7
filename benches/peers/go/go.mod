module beanwire-bench-go

go 1.22

require (
	github.com/beanstalkd/go-beanstalk v0.2.0
	github.com/prep/beanstalk v1.4.7
)

require (
	github.com/golang/groupcache v0.0.0-20200121045136-8c9f03a8e57e // indirect
	go.opencensus.io v0.23.0 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
