/* Hides from a program that its CPU supports more than AVX2. Loaded by avx2_only.py with LD_PRELOAD.

   The CPUID instruction is made to fault (arch_prctl ARCH_SET_CPUID, see arch_prctl(2)). The handler executes it,
   clears the bits of newer instructions in the result, and continues after it. Bits: Intel's Software Developer's
   Manual, volume 2A, CPUID. Threads and forked processes inherit the fault; a program that they execute
   loads this library again. */

#define _GNU_SOURCE
#include <asm/prctl.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif
#define BIT(n) (1u << (n))

enum { EAX, EBX, ECX, EDX };

typedef int (*Sigaction)(int, const struct sigaction *, struct sigaction *);

static struct sigaction of_program; /* the handler of SIGSEGV that the program asked for */

static Sigaction next_sigaction(void) {
    static Sigaction next;
    if (!next)
        next = (Sigaction)dlsym(RTLD_NEXT, "sigaction");
    return next;
}

/* Without libc: errno must not change between two instructions of the program. */
static long allow_cpuid(long allowed) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_arch_prctl), "D"((long)ARCH_SET_CPUID), "S"(allowed)
                     : "rcx", "r11", "memory");
    return result;
}

static void hide(uint32_t leaf, uint32_t part, uint32_t answer[4]) {
    if (leaf == 7 && part == 0) {
        /* AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL */
        answer[EBX] &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        /* AVX-512 VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ */
        answer[ECX] &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        /* AVX-512 4VNNIW, 4FMAPS, VP2INTERSECT, FP16; AMX BF16, TILE, INT8 */
        answer[EDX] &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(23) | BIT(22) | BIT(24) | BIT(25));
    } else if (leaf == 7 && part == 1) {
        /* AVX VNNI, AVX-512 BF16, AMX FP16, AVX IFMA */
        answer[EAX] &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
        /* AVX VNNI INT8, AVX NE CONVERT, AMX COMPLEX, AVX VNNI INT16, AVX10 */
        answer[EDX] &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19));
    } else if (leaf == 0xd && part == 0) {
        answer[EAX] &= ~(BIT(5) | BIT(6) | BIT(7) | BIT(17) | BIT(18)); /* registers of AVX-512 and AMX */
    } else if (leaf == 0x1d || leaf == 0x1e || leaf == 0x24) {
        memset(answer, 0, 4 * sizeof *answer); /* AMX tiles and products, AVX10 */
    }
}

static void on_fault(int signal, siginfo_t *facts, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *instruction = (const unsigned char *)registers[REG_RIP];
    /* A wild jump faults with another code, so these two bytes can be read. */
    if (facts->si_code == SI_KERNEL && instruction[0] == 0x0f && instruction[1] == 0xa2) {
        uint32_t leaf = registers[REG_RAX], part = registers[REG_RCX], answer[4];
        allow_cpuid(1);
        __asm__ volatile("cpuid"
                         : "=a"(answer[EAX]), "=b"(answer[EBX]), "=c"(answer[ECX]), "=d"(answer[EDX])
                         : "a"(leaf), "c"(part));
        allow_cpuid(0);
        hide(leaf, part, answer);
        registers[REG_RAX] = answer[EAX];
        registers[REG_RBX] = answer[EBX];
        registers[REG_RCX] = answer[ECX];
        registers[REG_RDX] = answer[EDX];
        registers[REG_RIP] += 2;
        return;
    }
    if (of_program.sa_flags & SA_SIGINFO) {
        of_program.sa_sigaction(signal, facts, context);
    } else if (of_program.sa_handler != SIG_DFL && of_program.sa_handler != SIG_IGN) {
        of_program.sa_handler(signal);
    } else {
        struct sigaction end = {.sa_handler = SIG_DFL};
        next_sigaction()(SIGSEGV, &end, NULL); /* the instruction faults again, and the program ends */
    }
}

int sigaction(int signal, const struct sigaction *asked, struct sigaction *before) {
    if (signal != SIGSEGV)
        return next_sigaction()(signal, asked, before);
    if (before)
        *before = of_program;
    if (asked)
        of_program = *asked;
    return 0;
}

void (*signal(int number, void (*handler)(int)))(int) {
    struct sigaction asked = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    return sigaction(number, &asked, &before) ? SIG_ERR : before.sa_handler;
}

__attribute__((constructor(101))) static void begin(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    next_sigaction()(SIGSEGV, &action, NULL);
    allow_cpuid(0);
}
