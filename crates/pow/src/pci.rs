//! What sits on this machine's PCI bus, as Linux lists it.

use std::{fs, path::Path};

/// Where Linux lists the devices of the bus.
pub const DEVICES: &str = "/sys/bus/pci/devices";

/// A device on the bus. Its numbers are those of the PCI Code and ID Assignment Specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PciDevice {
    /// Such as `0000:01:00.0`.
    pub address: String,
    /// Base class, subclass and interface, a byte each: `0x030000` is a VGA controller. 0 if it is not told.
    pub class: u32,
    /// The maker.
    pub vendor: u32,
    /// The maker's product.
    pub device: u32,
}

/// The devices listed in a folder such as [`DEVICES`], by address; none where there is no such folder.
pub fn devices(folder: &Path) -> Vec<PciDevice> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut devices: Vec<PciDevice> = entries
        .filter_map(|entry| {
            let number = |name: &str| hexadecimal(&fs::read_to_string(entry.path().join(name)).ok()?);
            Some(PciDevice {
                address: entry.file_name().to_string_lossy().into_owned(),
                class: number("class").unwrap_or_default(),
                vendor: number("vendor")?,
                device: number("device")?,
            })
        })
        .collect();
    devices.sort_by(|a, b| a.address.cmp(&b.address));
    devices
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}
