;; tries: to have the agent deliver a file of the machine, by a link where its output should be
;; outcome: Exited
;; prints: held
(if (i32.eqz (call $symlink (i32.const 1072) (i32.const 11) (i32.const 3) (i32.const 64) (i32.const 7))) (then unreachable))
(call $held)
