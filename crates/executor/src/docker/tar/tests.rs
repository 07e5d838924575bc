//! Archives as they are written, and as a stranger would like them.

use super::{read::Entry, *};

fn header<'a>(path: &'a str, kind: Kind, size: u64) -> Header<'a> {
    Header { path, kind, size, mode: 0o644, owner: 7, target: "" }
}

async fn read(archive: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, TarError> {
    let mut reader = TarReader::new(archive);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next().await? {
        let mut content = Vec::new();
        if entry.size < 10_000 {
            reader.copy(&mut content).await?;
        }
        entries.push((entry, content));
    }
    Ok(entries)
}

fn archive(entries: &[(&str, Kind, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, kind, content) in entries {
        append(&mut archive, &header(path, *kind, content.len() as u64));
        archive.extend_from_slice(content);
        archive.extend_from_slice(padding(content.len() as u64));
    }
    archive.extend_from_slice(&trailer());
    archive
}

#[tokio::test]
async fn what_is_written_is_read() {
    let long = "d/".repeat(120) + "données.csv";
    let full = [b'x'; BLOCK];
    let entries: [(&str, Kind, &[u8]); 4] = [
        ("a", Kind::File, b"hello"),
        ("dir", Kind::Directory, b""),
        (&long, Kind::File, &full),
        ("link", Kind::Symlink, b""),
    ];
    let read = read(&archive(&entries)).await.unwrap();
    assert_eq!(read.len(), entries.len());
    for ((entry, content), (path, kind, written)) in read.iter().zip(entries) {
        assert_eq!((entry.path.as_slice(), entry.kind, content.as_slice()), (path.as_bytes(), kind, written));
    }
}

#[tokio::test]
async fn the_system_reads_what_is_written_and_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let name = "n".repeat(150);
    std::fs::write(dir.path().join("ours.tar"), archive(&[(&name, Kind::File, b"content")])).unwrap();
    let tar = |args: &[&str]| {
        let output = std::process::Command::new("tar").args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    tar(&["-xf", "ours.tar"]);
    assert_eq!(std::fs::read(dir.path().join(&name)).unwrap(), b"content");
    for format in ["pax", "gnu"] {
        tar(&["--format", format, "-cf", "theirs.tar", &name]);
        let theirs = read(&std::fs::read(dir.path().join("theirs.tar")).unwrap()).await.unwrap();
        assert_eq!((theirs[0].0.path.as_slice(), theirs[0].1.as_slice()), (name.as_bytes(), b"content".as_slice()));
    }
}

#[tokio::test]
async fn a_size_beyond_eight_gigabytes_is_told_and_not_believed() {
    let mut archive = Vec::new();
    append(&mut archive, &header("sparse", Kind::File, 1 << 62));
    let mut reader = TarReader::new(archive.as_slice());
    assert_eq!(reader.next().await.unwrap().unwrap().size, 1 << 62);
    assert!(matches!(reader.next().await, Err(TarError::Malformed(_))), "the content is not there");
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let good = archive(&[("a", Kind::File, b"hello")]);
    for at in [0, 100, 124, 148, 156] {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        assert!(matches!(read(&bad).await, Err(TarError::Malformed(_))), "byte {at}");
    }
    for length in [0, 1, BLOCK, BLOCK + 3, 2 * BLOCK] {
        assert!(matches!(read(&good[..length]).await, Err(TarError::Malformed(_))), "{length} bytes");
    }
}

#[tokio::test]
async fn an_endless_name_is_refused_before_it_is_read() {
    let mut endless = Vec::new();
    let mut pax = [0; BLOCK];
    append(&mut endless, &header("x", Kind::File, 1 << 32));
    pax.copy_from_slice(&endless);
    pax[156] = b'x';
    let sum = checksum(&pax);
    pax[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    assert!(matches!(read(&pax).await, Err(TarError::Malformed("the extension of a header is too long"))));
}
