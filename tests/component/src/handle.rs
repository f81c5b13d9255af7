//! Resources of the guest as values of the host.

use std::fmt;

use wasmtime::component::ResourceAny;

use crate::host::Host;

/// A resource with the instance it lives in. Dropping this drops the resource.
pub(crate) struct Handle {
    pub(crate) host: Host,
    pub(crate) resource: ResourceAny,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.host.release(self.resource);
    }
}

/// Methods that hand their arguments and results over as they are.
macro_rules! methods {
    ($type:ident is $interface:ident.$resource:ident {
        $($name:ident = $call:ident($($arg:ident: $arg_type:ty),*) -> $result:ty;)*
    }) => {
        #[allow(missing_docs, reason = "the interface is documented in wit/")]
        #[allow(clippy::missing_errors_doc, clippy::must_use_candidate, reason = "see above")]
        impl $type {
            $(pub fn $name(&self $(, $arg: $arg_type)*) -> $result {
                let resource = self.0.resource;
                self.0.host.call(async |client, store| {
                    let guest = client.$interface().$resource();
                    guest.$call(store, resource $(, $arg)*).await
                })
            })*
        }
    };
}

pub(crate) use methods;
