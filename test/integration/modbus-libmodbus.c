/* A libmodbus server for the driver's tests: "tcp", or "rtu PATH UNIT". It has input registers 0-20, read as words from the
 * command line after the transport, and answers exception 2 outside. Prints "ready PORT" (0 for rtu); killed by the test. */
#include <arpa/inet.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rtu = argc > 1 && strcmp(argv[1], "rtu") == 0;
    int first = rtu ? 4 : 2;
    if (argc <= first) return 2;
    modbus_t *ctx = rtu ? modbus_new_rtu(argv[2], 19200, 'N', 8, 1) : modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 0, argc - first);
    if (ctx == NULL || map == NULL) return 1;
    for (int i = first; i < argc; i++) map->tab_input_registers[i - first] = (uint16_t) strtol(argv[i], NULL, 16);
    int listener = -1, port = 0;
    if (rtu) {
        modbus_set_slave(ctx, atoi(argv[3]));
        if (modbus_connect(ctx) == -1) return 1;
    } else {
        listener = modbus_tcp_listen(ctx, 1);
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        if (listener == -1 || getsockname(listener, (struct sockaddr *) &address, &size) == -1) return 1;
        port = ntohs(address.sin_port);
    }
    printf("ready %d\n", port);
    fflush(stdout);
    for (;;) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        if (!rtu && modbus_tcp_accept(ctx, &listener) == -1) return 1;
        int length;
        while ((length = modbus_receive(ctx, query)) != -1) {
            if (length > 0) modbus_reply(ctx, query, length, map);
        }
        if (!rtu) modbus_close(ctx);
    }
}
