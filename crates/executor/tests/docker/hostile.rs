//! What a program may try. The executor's limits hold, the host is unharmed, and nothing is left.

use std::{fs, time::Instant};

use aiigo_executor::{Completed, Execution};
use aiigo_task::{CAPTURE_BYTES, Limits, Outcome};

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
    let place = world.run_script("dd if=/dev/zero of=/work/big bs=1M count=4000").await;
    assert_outcome(&place, Outcome::OutputTooLarge);
    let many = world.run_script("i=0; while echo x > /work/f$i; do i=$((i+1)); done").await;
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
        chown 0:0 /work && echo GOT chown
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
    let script = "ls -A /work /tmp /dev/shm | grep -v '^$'; echo secret > /work/s; echo secret > /tmp/s; echo secret > /dev/shm/s";
    let first = world.run_script(script).await;
    let second = world.run_script(script).await;
    assert_eq!(first.stdout, second.stdout);
    assert!(!said(&second).lines().any(|line| line == "s"), "{}", said(&second));
}
