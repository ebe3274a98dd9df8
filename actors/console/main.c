#include "console.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &console_actor);
}
