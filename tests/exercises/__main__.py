from exercises.survey import main

main()
