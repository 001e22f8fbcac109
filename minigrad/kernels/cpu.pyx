"""What this CPU can run."""

cdef extern from *:
    """
    #if (defined(__x86_64__) || defined(__amd64__)) && (defined(__GNUC__) || defined(__clang__))
    static int minigrad_cpu_level(void) {
        __builtin_cpu_init();
        if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
              && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
            return 0;
        if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
              && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
              && __builtin_cpu_supports("avx512vl")))
            return 1;
        return 2;
    }
    #else
    static int minigrad_cpu_level(void) { return 0; }
    #endif
    """
    int minigrad_cpu_level() noexcept nogil


def level():
    """0: the x86-64 baseline, and every other architecture; 1: AVX2 + FMA; 2: AVX-512."""
    return minigrad_cpu_level()
