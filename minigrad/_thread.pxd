# One flag a thread: is the graph being recorded? Read at every operation, so a C thread-local.
cdef extern from *:
    """
    #if defined(_MSC_VER)
    static __declspec(thread) int minigrad_grad_mode = 1;
    #else
    static __thread int minigrad_grad_mode = 1;
    #endif
    static inline int minigrad_get_grad_mode(void) { return minigrad_grad_mode; }
    static inline void minigrad_set_grad_mode(int on) { minigrad_grad_mode = on; }
    """
    int get_grad_mode "minigrad_get_grad_mode"() noexcept
    void set_grad_mode "minigrad_set_grad_mode"(int on) noexcept
