package main

import (
	"bytes"
	"time"

	"github.com/beanstalkd/go-beanstalk"
)

// goBeanstalk is github.com/beanstalkd/go-beanstalk. Goroutines may share a connection, and their
// commands are pipelined then. But a reserve that waits for a job holds up the deletes behind it, so
// they share one only where the tube does not run dry.
type goBeanstalk struct{}

func (goBeanstalk) producer(o options) producer {
	p := &goBeanstalkProducer{body: bytes.Repeat([]byte{'x'}, o.size)}
	for _, conn := range dial(o.uri, o.connections) {
		p.tubes = append(p.tubes, beanstalk.NewTube(conn, o.tube))
	}
	return p
}

type goBeanstalkProducer struct {
	body  []byte
	tubes []*beanstalk.Tube
}

func (p *goBeanstalkProducer) put(worker int, ttr time.Duration) {
	_, err := p.tubes[worker%len(p.tubes)].Put(p.body, priority, 0, ttr)
	check(err)
}

func (goBeanstalk) consumer(o options) consumer {
	connections := o.connections
	if o.work != "consume" {
		connections = o.inFlight
	}
	c := &goBeanstalkConsumer{inFlight: o.inFlight}
	for _, conn := range dial(o.uri, connections) {
		c.tubes = append(c.tubes, beanstalk.NewTubeSet(conn, o.tube))
	}
	return c
}

type goBeanstalkConsumer struct {
	inFlight int
	tubes    []*beanstalk.TubeSet
}

func (c *goBeanstalkConsumer) receive(total int, handle handler) {
	each(c.inFlight, total, func(worker int) {
		tubes := c.tubes[worker%len(c.tubes)]
		id, body, err := tubes.Reserve(longest)
		check(err)
		handle(body, func() error { return tubes.Conn.Delete(id) })
	})
}

func dial(uri string, connections int) (all []*beanstalk.Conn) {
	for range connections {
		conn, err := beanstalk.Dial("tcp", uri)
		check(err)
		all = append(all, conn)
	}
	return all
}
