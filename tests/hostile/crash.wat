;; tries: nothing; it crashes as programs do, which is a result and paid as any other
;; outcome: Trapped
unreachable
