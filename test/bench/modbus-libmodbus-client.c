/* The baseline in C: reads 100 holding registers over and over, one after the other. "PORT WARM_MS FOR_MS"; prints reads/s. */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    if (ctx == NULL || modbus_connect(ctx) == -1) return 1;
    modbus_set_slave(ctx, 1);
    uint16_t registers[100];
    double from = now_ms() + atoi(argv[2]), until = from + atoi(argv[3]), at;
    long reads = 0;
    while ((at = now_ms()) < until) {
        if (modbus_read_registers(ctx, 0, 100, registers) != 100 || registers[99] != 1099) return 1;
        if (at >= from) reads++;
    }
    printf("%.1f\n", reads * 1e3 / atoi(argv[3]));
    return 0;
}
