;; tries: to call a function of the host that no sandbox gives
;; outcome: Trapped
;; says: system
(module (import "env" "system" (func)) (memory (export "memory") 1) (func (export "_start")))
