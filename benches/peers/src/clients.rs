//! The clients, and what is to be known of each.

/// A program that measures one or more clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    Rust,
    Crates,
    Component,
    Go,
    Python,
    Node,
}

/// How a client gets many commands under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As many as one likes, on any number of connections.
    Pipelined,
    /// One on each connection.
    Blocking,
    /// From any number of goroutines, which share the connections.
    Pool,
    /// One at all: a call returns with its answer, and there is one caller.
    Single,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// No client: the least that the machine and the server allow.
    Limit,
    Ours,
    Theirs,
}

/// A client, or another way to use one.
#[derive(Debug)]
pub(crate) struct Client {
    /// What its program calls it.
    pub name: &'static str,
    /// What the report calls it.
    pub label: &'static str,
    pub program: Program,
    pub side: Side,
    pub put: Option<Way>,
    pub consume: Option<Way>,
    /// Whether it is measured with many settings, or with the ones that matter only.
    pub sweeps: bool,
    /// Whether its consumer looks for jobs once in a while and does not wait for them.
    pub polls: bool,
    /// Whether latency, idling and start-up are measured.
    pub consumer: bool,
}

/// What most clients are.
const PLAIN: Client = Client {
    name: "",
    label: "",
    program: Program::Rust,
    side: Side::Theirs,
    put: Some(Way::Pipelined),
    consume: Some(Way::Pipelined),
    sweeps: false,
    polls: false,
    consumer: true,
};

/// What a client's call for many jobs is: nothing else of it is measured again.
const MANY: Client = Client { side: Side::Ours, consume: None, consumer: false, ..PLAIN };

/// What a client is that waits for each answer.
const BLOCKING: Client = Client { put: Some(Way::Blocking), consume: Some(Way::Blocking), ..PLAIN };

/// All of them, in the order of the report.
pub(crate) static CLIENTS: &[Client] = &[
    Client {
        name: "limit",
        label: "limit: bare sockets (Rust)",
        side: Side::Limit,
        sweeps: true,
        ..PLAIN
    },
    Client { name: "beanwire", label: "beanwire (Rust)", side: Side::Ours, sweeps: true, ..PLAIN },
    Client { name: "beanwire-put-many", label: "beanwire, put_many (Rust)", ..MANY },
    Client {
        name: "beanwire-node",
        label: "beanwire (Node.js)",
        program: Program::Node,
        side: Side::Ours,
        sweeps: true,
        ..PLAIN
    },
    Client {
        name: "beanwire-node-put-many",
        label: "beanwire, putMany (Node.js)",
        program: Program::Node,
        ..MANY
    },
    Client {
        name: "component",
        label: "beanwire (component)",
        program: Program::Component,
        side: Side::Ours,
        put: Some(Way::Single),
        ..PLAIN
    },
    Client {
        name: "component-put-many",
        label: "beanwire, put-many (component)",
        program: Program::Component,
        ..MANY
    },
    Client { name: "beanstalkc", label: "beanstalkc (Rust)", program: Program::Crates, ..BLOCKING },
    Client { name: "mamenoki", label: "mamenoki (Rust)", program: Program::Crates, ..BLOCKING },
    Client {
        name: "prep",
        label: "prep/beanstalk (Go)",
        program: Program::Go,
        put: Some(Way::Pool),
        consume: Some(Way::Pool),
        sweeps: true,
        polls: true,
        ..PLAIN
    },
    Client { name: "go-beanstalk", label: "go-beanstalk (Go)", program: Program::Go, ..PLAIN },
    Client {
        name: "greenstalk",
        label: "greenstalk (Python)",
        program: Program::Python,
        ..BLOCKING
    },
    Client {
        name: "jackd",
        label: "jackd (Node.js)",
        program: Program::Node,
        // It takes all that has come with a job for its body.
        consume: Some(Way::Blocking),
        sweeps: true,
        ..PLAIN
    },
    Client {
        name: "fivebeans",
        label: "fivebeans (Node.js)",
        program: Program::Node,
        sweeps: true,
        ..PLAIN
    },
    Client {
        name: "beanstalkd",
        label: "beanstalkd (Node.js)",
        program: Program::Node,
        ..BLOCKING
    },
    Client {
        name: "node-beanstalk",
        label: "node-beanstalk (Node.js)",
        program: Program::Node,
        ..BLOCKING
    },
];

/// The client of that name.
pub(crate) fn client(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name)
}

/// The clients from npm that are not ours.
pub(crate) fn npm() -> impl Iterator<Item = &'static Client> {
    CLIENTS.iter().filter(|client| client.program == Program::Node && client.side == Side::Theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_clients_have_a_name_in_common() {
        for (at, one) in CLIENTS.iter().enumerate() {
            assert!(std::ptr::eq(client(one.name).unwrap(), one), "{}", one.name);
            assert!(CLIENTS[..at].iter().all(|other| other.label != one.label), "{}", one.label);
        }
        assert!(client("").is_none());
    }

    #[test]
    fn the_clients_from_npm_are_those_of_others() {
        let names: Vec<_> = npm().map(|client| client.name).collect();
        assert_eq!(names, ["jackd", "fivebeans", "beanstalkd", "node-beanstalk"]);
    }
}
