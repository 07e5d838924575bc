//! What a program may try. The executor's limits hold, the host is unharmed, and nothing is left.

use std::{fs, process::Command, time::Instant};

use aiigo_executor::{Completed, Execution, Executor};
use aiigo_task::{CAPTURE_BYTES, Limits, Outcome};
use tokio_util::sync::CancellationToken;

use crate::support::{World, said};

#[track_caller]
fn assert_outcome(completed: &Completed, outcome: Outcome) {
    assert_eq!(completed.outcome, outcome, "exit code {}: {}", completed.exit_code, said(completed));
    if let Some(code) = outcome.fixed_exit_code() {
        assert_eq!(completed.exit_code, code);
        assert!(completed.outputs.is_empty());
    }
}

#[tokio::test]
async fn a_fork_bomb_runs_out_of_processes() {
    let world = World::start().await;
    let limits = Limits { seconds: 4, ..world.script("").limits };
    let bomb = "bomb() { bomb | bomb & }; bomb; while true; do sleep 1; done";
    let completed = world.run(Execution { limits, ..world.script(bomb) }).await;
    // Whichever limit it meets first: the host forks on.
    let ends = [Outcome::OutOfTime, Outcome::OutOfMemory, Outcome::Exited];
    assert!(ends.contains(&completed.outcome), "{:?}", completed.outcome);
    assert!(world.run_script("echo fine").await.stdout.starts_with(b"fine"));
}

#[tokio::test]
async fn processes_are_limited_to_the_number() {
    let world = World::start().await;
    let limits = Limits { memory_bytes: 1 << 30, ..world.script("").limits };
    // A shell that can't fork gives up.
    let script = "i=0; while [ $i -lt 2000 ]; do sleep 60 & i=$((i+1)); done; echo all started";
    let completed = world.run(Execution { limits, ..world.script(script) }).await;
    assert_outcome(&completed, Outcome::Exited);
    assert!(!said(&completed).contains("all started"), "2000 processes run");
    assert!(said(&completed).contains("fork"), "{}", said(&completed));
}

#[tokio::test]
async fn a_memory_bomb_is_out_of_memory() {
    let world = World::start().await;
    let completed = world.run_script("x=xxxxxxxxxxxxxxxx; while true; do x=$x$x; done").await;
    assert_outcome(&completed, Outcome::OutOfMemory);
    assert!(said(&completed).contains("the memory limit is reached"));
}

#[tokio::test]
async fn a_disk_bomb_fills_only_what_is_its_own() {
    let world = World::start().await;
    let before = world.disk();
    let place = world.run_script("dd if=/dev/zero of=/job/big bs=1M count=4000").await;
    assert_outcome(&place, Outcome::OutputTooLarge);
    let many = world.run_script("i=0; while echo x > /job/f$i; do i=$((i+1)); done").await;
    assert_outcome(&many, Outcome::Exited);
    assert!(said(&many).contains("No space left"), "{}", said(&many));
    let tmp = world.run_script("dd if=/dev/zero of=/tmp/big bs=1M count=4000; rm /tmp/big; echo y > out").await;
    assert_outcome(&tmp, Outcome::Exited);
    assert!(said(&tmp).contains("No space left") && tmp.outputs.len() == 1, "{}", said(&tmp));
    let script = "for d in / /etc /bin /dev /dev/shm /proc /sys /run /var /inputs /root; do
        dd if=/dev/zero of=$d/big bs=1M count=100 2>/dev/null && echo FILLED $d; done; true";
    let root = world.run_script(script).await;
    assert_outcome(&root, Outcome::Exited);
    assert!(!said(&root).contains("FILLED"), "{}", said(&root));
    // Tests beside this one have their containers; a bomb would have left 100 MB and more.
    assert!(world.disk() < before + (64 << 20), "something went to the disk");
}

#[tokio::test]
async fn a_program_may_fill_its_output_limit_to_the_byte() {
    let world = World::start().await;
    let exact = world.run_script("dd if=/dev/zero of=out bs=1024 count=1024").await;
    assert_outcome(&exact, Outcome::Exited);
    assert_eq!(fs::metadata(&exact.outputs[0].1).unwrap().len(), 1 << 20);
    let above = world.run_script("dd if=/dev/zero of=out bs=1024 count=1024; echo >> out").await;
    assert_outcome(&above, Outcome::OutputTooLarge);
    let sparse = world.run_script("truncate -s 1000000000000000 out").await;
    assert_outcome(&sparse, Outcome::OutputTooLarge);
}

#[tokio::test]
async fn an_output_bomb_is_cut_off_and_does_not_block() {
    let world = World::start().await;
    let script =
        "yes | dd bs=1M count=30 iflag=fullblock 2>/dev/null; yes | dd bs=1M count=30 iflag=fullblock >&2; exit 7";
    let completed = world.run_script(script).await;
    assert_outcome(&completed, Outcome::Exited);
    assert_eq!(completed.exit_code, 7);
    assert_eq!(completed.stdout.len() as u64, CAPTURE_BYTES);
    assert_eq!(completed.stderr.len() as u64, CAPTURE_BYTES);
}

#[tokio::test]
async fn an_endless_loop_is_out_of_time() {
    let world = World::start().await;
    let limits = Limits { seconds: 1, ..world.script("").limits };
    let started = Instant::now();
    // Deaf to everything but SIGKILL, with a child that is too.
    let script = "trap '' TERM INT HUP; (trap '' TERM; while :; do :; done) & echo x > out; while :; do :; done";
    let completed = world.run(Execution { limits, ..world.script(script) }).await;
    assert_outcome(&completed, Outcome::OutOfTime);
    assert!((1000..20_000).contains(&completed.usage.wall_millis), "{} ms", completed.usage.wall_millis);
    assert!(started.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn only_regular_files_are_outputs() {
    let world = World::start().await;
    let outputs = ["link", "up", "dir", "pipe", "hard", "hard2", "dev", "sub/passwd", "good", "../escape"];
    let script = "
        ln -s /etc/secret link; ln -s ../../../../../../etc/hostname up; mkdir dir; echo x > dir/file; mkfifo pipe
        rmdir sub; ln -s /etc sub; echo one > hard; ln hard hard2; mknod dev b 8 0; echo good > good
        echo x > ../escape; true";
    let execution = Execution { outputs: outputs.map(str::to_owned).to_vec(), ..world.script(script) };
    let completed = world.run(execution).await;
    assert_outcome(&completed, Outcome::Exited);
    let delivered: Vec<_> = completed.outputs.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(delivered, ["hard", "good"], "{}", said(&completed));
    for remark in ["link is a symbolic link", "dir is a directory", "pipe is a device", "hard2 is a hard link"] {
        assert!(said(&completed).contains(remark), "{remark}: {}", said(&completed));
    }
    assert!(said(&completed).contains("mknod: dev: Operation not permitted"), "{}", said(&completed));
    for (_, file) in &completed.outputs {
        assert_eq!(file.parent(), Some(world.scratch().join("files").as_path()));
        assert!(fs::symlink_metadata(file).unwrap().is_file());
    }
}

#[tokio::test]
async fn the_kernel_shows_and_gives_nothing() {
    let world = World::start().await;
    let completed = world
        .run_script(
            "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/vm/drop_caches /proc/1/oom_score_adj \
             /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/kernel/uevent_helper; do
                 echo -1000 > $f && echo WROTE $f; done
             for f in /proc/kcore /proc/keys /proc/timer_list /proc/1/environ; do
                 [ \"$(dd if=$f bs=64 count=1 2>/dev/null)\" ] && [ $f != /proc/1/environ ] && echo READ $f; done
             ls /proc | grep -c '^[0-9]'; ls /dev; grep -E 'Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status
             id; true",
        )
        .await;
    assert_outcome(&completed, Outcome::Exited);
    let text = said(&completed);
    assert!(!text.contains("WROTE") && !text.contains("READ"), "{text}");
    for line in ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("NoNewPrivs:\t1") && text.contains("Seccomp:\t2"), "{text}");
    assert!(text.contains("uid=64350 gid=64350"), "{text}");
    for device in ["sda", "vda", "mem", "kmsg", "loop", "fuse", "kvm"] {
        assert!(!text.lines().any(|line| line.starts_with(device)), "{device}: {text}");
    }
}

#[tokio::test]
async fn there_is_no_network() {
    let world = World::start().await;
    let script = "
        ip -o link | grep -v ' lo:' && echo INTERFACE
        for a in '169.254.169.254 80' '127.0.0.1 2375' '1.1.1.1 53' '172.17.0.1 22' '192.168.1.1 80'; do
            nc -w 2 $a < /dev/null && echo REACHED $a; done; true";
    let completed = world.run_script(script).await;
    assert_outcome(&completed, Outcome::Exited);
    let text = said(&completed);
    for word in ["INTERFACE", "REACHED"] {
        assert!(!text.contains(word), "{text}");
    }
    assert_eq!(text.matches("Network is unreachable").count(), 4, "{text}");
    assert_eq!(text.matches("Connection refused").count(), 1, "{text}");
}

#[tokio::test]
async fn privileges_can_not_be_had() {
    let world = World::start().await;
    let script = "
        mount -t tmpfs none /tmp && echo GOT mount
        mount -o remount,rw / && echo GOT remount
        mknod /tmp/disk b 8 0 && echo GOT mknod
        chown 0:0 /job && echo GOT chown
        cp /bin/busybox /tmp/suid && chmod 4755 /tmp/suid && /tmp/suid id -u | grep -q '^0$' && echo GOT suid
        kill -9 1; touch /etc/x /bin/x /x && echo GOT root
        echo still here";
    let completed = world.run_script(script).await;
    assert_outcome(&completed, Outcome::Exited);
    let text = said(&completed);
    assert!(!text.contains("GOT") && text.contains("still here"), "{text}");
    assert!(text.contains("Operation not permitted") && text.contains("Read-only file system"), "{text}");
}

#[tokio::test]
async fn what_one_run_leaves_the_next_does_not_find() {
    let world = World::start().await;
    let script =
        "ls -A /job /tmp /dev/shm | grep -v '^$'; echo secret > /job/s; echo secret > /tmp/s; echo secret > /dev/shm/s";
    let first = world.run_script(script).await;
    let second = world.run_script(script).await;
    assert_eq!(first.stdout, second.stdout);
    assert!(!said(&second).lines().any(|line| line == "s"), "{}", said(&second));
}

/// Tries: to become root by a program of root's that the image brings with the setuid bit. Must: stay who it is.
#[tokio::test]
async fn a_setuid_program_of_the_image_gives_nothing() {
    let world = World::start().await;
    let script = "ls -l /setuid/id; /setuid/id -u; /setuid/chown 0:0 /job && echo GOT; echo still here";
    let completed = world.run_script(script).await;
    assert_outcome(&completed, Outcome::Exited);
    let text = said(&completed);
    assert!(text.contains("-rwsr-xr-x") && text.contains("\n64350\n"), "{text}");
    assert!(!text.contains("GOT") && text.contains("still here"), "{text}");
}

/// Tries: to open the devices of the machine's disks, memory and GPUs, and to make its own. Must: find none.
#[tokio::test]
async fn devices_can_not_be_had() {
    let world = World::start().await;
    let script = "
        for d in 'sda b 8 0' 'vda b 254 0' 'mem c 1 1' 'kmsg c 1 11' 'fuse c 10 229' 'kvm c 10 232' 'nvidia0 c 195 0'; do
            set -- $d; mknod /tmp/$1 $2 $3 $4 2>/dev/null && echo MADE $1
            [ -e /dev/$1 ] && echo FOUND $1; dd if=/dev/$1 bs=1 count=1 2>/dev/null && echo READ $1; done
        echo x > /dev/null && dd if=/dev/urandom bs=1 count=1 2>/dev/null | wc -c; true";
    let completed = world.run_script(script).await;
    assert_outcome(&completed, Outcome::Exited);
    let text = said(&completed);
    for word in ["MADE", "FOUND", "READ"] {
        assert!(!text.contains(word), "{text}");
    }
}

/// Tries: to fill the disk of whoever opens it, by an input that is an archive of a thousand times its size, and by one as
/// output. Must: be handed on as the file that it is; nobody but the program itself unpacks anything, and it has only the room
/// of its limits for that.
#[tokio::test]
async fn an_archive_that_is_a_bomb_is_only_a_file() {
    let world = World::start().await;
    let before = world.disk();
    // A gzip of zeros, a thousandth of what it unpacks to, in a tar that names files outside.
    let bomb = bomb();
    assert!(bomb.len() < 1 << 19, "{}", bomb.len());
    let execution = Execution {
        inputs: vec![(world.file("bomb", &bomb), "bomb.tar.gz".into())],
        outputs: vec!["copy.tar.gz".into(), "unpacked".into(), "../outside".into()],
        ..world.script("cp bomb.tar.gz copy.tar.gz; gunzip -c bomb.tar.gz > unpacked; echo ended $?")
    };
    let completed = world.run(execution).await;
    // What it unpacks itself is above its output limit.
    assert_outcome(&completed, Outcome::OutputTooLarge);
    let execution = Execution {
        inputs: vec![(world.file("bomb", &bomb), "bomb.tar.gz".into())],
        outputs: vec!["copy.tar.gz".into()],
        ..world.script("cp bomb.tar.gz copy.tar.gz")
    };
    let completed = world.run(execution).await;
    assert_outcome(&completed, Outcome::Exited);
    assert_eq!(fs::read(&completed.outputs[0].1).unwrap(), bomb);
    assert_eq!(fs::read_dir(world.scratch().join("files")).unwrap().count(), 1, "nothing was unpacked here");
    assert!(world.disk() < before + (64 << 20), "something was unpacked at the engine");
}

/// 256 MiB of zeros as `../outside` in a tar, compressed.
fn bomb() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let file = fs::File::create(dir.path().join("zeros")).expect("a file");
    file.set_len(256 << 20).expect("a sparse file");
    let tar = Command::new("tar")
        .args(["--transform=s,^,../outside/,", "-czPf", "-", "zeros"])
        .current_dir(dir.path())
        .output()
        .expect("tar");
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    tar.stdout
}

/// Tries: to read and change the files of a task that runs beside it, and of the agent. Must: see only its own.
#[tokio::test]
async fn a_task_does_not_find_the_one_beside_it() {
    let world = World::start().await;
    let one = world.scratch();
    let two = one.join("spy");
    let victim = Execution {
        inputs: vec![(world.file("secret", b"confidential"), "secret".into())],
        ..world.script("i=0; while [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done; cat secret > out")
    };
    let spy = world.script(
        "for p in /proc/[0-9]*; do cat $p/environ 2>/dev/null; for at in root/job cwd; do cat $p/$at/secret 2>/dev/null; done; done
         cat /inputs/* /job/../*/secret /var/lib/docker/volumes/*/_data/* 2>/dev/null
         kill -9 -1; ls /proc | grep -c '^[0-9]'; echo end",
    );
    let run = |execution: Execution, scratch: std::path::PathBuf| {
        let executor = &world.executor;
        async move { executor.run(execution, &scratch, CancellationToken::new()).await.unwrap() }
    };
    let (victim, spy) = tokio::join!(run(victim, one), run(spy, two));
    assert_outcome(&victim, Outcome::Exited);
    assert_eq!(fs::read(&victim.outputs[0].1).unwrap(), b"confidential");
    assert!(!said(&spy).contains("confidential"), "{}", said(&spy));
    world.assert_nothing_is_left().await;
}
