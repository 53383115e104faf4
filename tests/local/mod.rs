//! `meshctl local`: the real binary runs a mesh, and requests go through its proxies.

mod life;
mod mesh;
mod traffic;
