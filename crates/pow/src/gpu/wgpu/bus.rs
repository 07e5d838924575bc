//! Where graphics processors sit on the PCI bus.
//!
//! wgpu takes an address that ends in `00:00.0` for none, but clouds pass processors through at such addresses. One that CUDA
//! knows by its address must be known by the same here, or both would use it.

use std::path::Path;

use crate::pci::{self, PciDevice};

/// What a driver says of a processor.
pub(super) struct Identity {
    /// PCI numbers of the maker and the product.
    pub(super) vendor: u32,
    pub(super) device: u32,
    /// Such as `0000:01:00.0`.
    pub(super) address: Option<String>,
}

/// The address of each: where the driver says none, the first of that product that no other has. Which of several equal ones
/// gets which does not matter, as long as each gets its own.
pub(super) fn addresses(processors: &[Identity], bus: &Path) -> Vec<Option<String>> {
    let mut free = pci::devices(bus);
    free.retain(|device| !processors.iter().any(|processor| processor.address.as_ref() == Some(&device.address)));
    let address = |processor: &Identity| {
        processor.address.clone().or_else(|| {
            let is_it = |device: &PciDevice| (device.vendor, device.device) == (processor.vendor, processor.device);
            let place = free.iter().position(is_it)?;
            Some(free.remove(place).address)
        })
    };
    processors.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_the_driver_does_not_say_the_system_does() {
        let bus = tempfile::tempdir().expect("a folder");
        for (address, vendor, device) in [
            ("0001:00:00.0", "0x10de", "0x2331"),
            ("0002:00:00.0", "0x10de", "0x2331"),
            ("0000:00:02.0", "0x8086", "0x2331"),
            ("0000:03:00.0", "0x1002", "0x744c"),
        ] {
            let folder = bus.path().join(address);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("vendor"), format!("{vendor}\n")).expect("a file");
            fs::write(folder.join("device"), format!("{device}\n")).expect("a file");
        }
        let h100 =
            |address: Option<&str>| Identity { vendor: 0x10de, device: 0x2331, address: address.map(Into::into) };
        let unknown = Identity { vendor: 0x1002, device: 1, address: None };
        let found = |processors: &[Identity]| {
            let addresses = addresses(processors, bus.path());
            addresses.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(found(&[h100(None), h100(None), h100(None)]), ["0001:00:00.0", "0002:00:00.0", ""]);
        assert_eq!(found(&[h100(None), h100(Some("0001:00:00.0"))]), ["0002:00:00.0", "0001:00:00.0"]);
        assert_eq!(found(&[unknown]), [""]);
        assert_eq!(addresses(&[h100(None)], &bus.path().join("none")), [None]);
    }
}
