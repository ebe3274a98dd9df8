#include "webhook.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &webhook_actor);
}
