#include "alert.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &alert_actor);
}
