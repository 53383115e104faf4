//! Addresses.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::{
    Address, CidrRange, Pipe, SocketAddress, address::Address as Kind, socket_address::PortSpecifier,
};

use super::number;
use crate::ir::EndpointAddress;

/// A TCP address: an IP address or a DNS name, and a port.
pub fn socket(address: impl Into<String>, port: u16) -> Address {
    let socket = SocketAddress {
        address: address.into(),
        port_specifier: Some(PortSpecifier::PortValue(port.into())),
        ..SocketAddress::default()
    };
    Address { address: Some(Kind::SocketAddress(socket)) }
}

/// The address of an endpoint.
pub fn endpoint_address(address: &EndpointAddress, port: u16) -> Address {
    match address {
        EndpointAddress::Ip(ip) => socket(ip.to_string(), port),
        EndpointAddress::Dns(name) => socket(name.to_string(), port),
        EndpointAddress::Unix(path) => Address { address: Some(Kind::Pipe(Pipe { path: path.to_string(), mode: 0 })) },
    }
}

/// A range of addresses.
pub fn cidr(network: ipnet::IpNet) -> CidrRange {
    let address: IpAddr = network.network();
    CidrRange { address_prefix: address.to_string(), prefix_len: Some(number(network.prefix_len().into())) }
}
