//! Tells the linker what an add-on needs.

fn main() {
    napi_build::setup();
}
